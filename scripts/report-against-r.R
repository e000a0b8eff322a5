# Recomputes every hazard ratio, log-rank test and median of a report with R's survival package, from the report's own
# exported ADTTE, and fails where one differs by more than 1e-6 relative; then subgroups and interactions, checks of hazards,
# cumulative incidence with the tests of Gray and of Fine and Gray (cmprsk), the model of repeated measures (nlme; its
# optimiser is good to 1e-3 of a standard error) and mean numbers of courses. A package that is not there is said to be.
#   Rscript scripts/report-against-r.R REPORT_DIRECTORY
suppressMessages(library(survival))
dir <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) read.csv(file.path(dir, "tables", paste0(name, ".csv")), na.strings = "")
adtte <- read("adtte"); comparisons <- read("comparisons"); analyses <- read("analyses")
worst <- 0; compared <- 0
check <- function(what, ours, r) {
  if (is.na(ours) && (is.na(r) || is.infinite(r))) return(invisible())
  off <- abs(ours - r) / max(abs(r), 1e-300)
  if (is.na(off) || off > 1e-6) stop(sprintf("%s: the report says %.10g, R says %.10g", what, ours, r))
  worst <<- max(worst, off); compared <<- compared + 1
}
for (i in seq_len(nrow(comparisons))) {
  c <- comparisons[i, ]
  if (c$ARMCD == "ALL") next
  a <- analyses[analyses$ANALYSIS == c$ANALYSIS, ][1, ]
  d <- adtte[adtte$ANALYSIS == c$ANALYSIS & adtte$TRTPCD %in% c(c$ARMCD, c$CONTROL), ]
  d$x <- as.integer(d$TRTPCD == c$ARMCD); d$event <- 1 - d$CNSR
  stratified <- a$STRATIFIED == "Y"
  d$s <- if (stratified) d$STRATA else "all"
  if (!is.na(c$HR)) {
    fit <- coxph(Surv(AVAL, event) ~ x + strata(s), data = d, ties = tolower(a$TIES))
    limits <- summary(fit, conf.int = a$CONFIDENCE)$conf.int
    check(paste(c$ANALYSIS, "hazard ratio"), c$HR, exp(coef(fit)[[1]]))
    check(paste(c$ANALYSIS, "lower limit"), c$HR_LCL, limits[1, 3])
    check(paste(c$ANALYSIS, "upper limit"), c$HR_UCL, limits[1, 4])
    check(paste(c$ANALYSIS, "Wald p"), c$WALD_P, summary(fit)$coefficients[1, 5])
    if (!is.na(c$PH_P)) check(paste(c$ANALYSIS, "proportional hazards p"), c$PH_P, cox.zph(fit)$table[1, "p"])
  }
  if (!is.na(c$LOGRANK_CHISQ)) {
    test <- if (length(unique(d$s)) > 1) survdiff(Surv(AVAL, event) ~ x + strata(s), data = d) else survdiff(Surv(AVAL, event) ~ x, data = d)
    check(paste(c$ANALYSIS, "log-rank"), c$LOGRANK_CHISQ, test$chisq)
    check(paste(c$ANALYSIS, "log-rank p"), c$LOGRANK_P, pchisq(test$chisq, 1, lower.tail = FALSE))
  }
}
for (i in seq_len(nrow(analyses))) {
  a <- analyses[i, ]
  d <- adtte[adtte$ANALYSIS == a$ANALYSIS & adtte$TRTPCD == a$ARMCD, ]
  if (nrow(d) == 0) next
  fit <- survfit(Surv(AVAL, 1 - CNSR) ~ 1, data = d, conf.type = "log-log", conf.int = a$CONFIDENCE)
  q <- quantile(fit, 0.5)
  check(paste(a$ANALYSIS, a$ARMCD, "median"), a$MEDIAN_MONTHS * 30.4375, q$quantile[[1]])
  check(paste(a$ANALYSIS, a$ARMCD, "median, lower limit"), a$MEDIAN_LCL * 30.4375, q$lower[[1]])
  check(paste(a$ANALYSIS, a$ARMCD, "median, upper limit"), a$MEDIAN_UCL * 30.4375, q$upper[[1]])
  if (sum(1 - d$CNSR) != a$EVENTS || nrow(d) != a$N) stop(paste(a$ANALYSIS, a$ARMCD, ": counts differ"))
}
has <- function(name) requireNamespace(name, quietly = TRUE) || { cat("without", name, "\n"); FALSE }
of_analysis <- function(id, arms) {
  d <- adtte[adtte$ANALYSIS == id & adtte$TRTPCD %in% arms, ]
  d$x <- as.integer(d$TRTPCD == arms[1]); d$event <- 1 - d$CNSR
  d
}
ties_of <- function(id) tolower(analyses[analyses$ANALYSIS == id, "TIES"][1])
stratified <- function(id) analyses[analyses$ANALYSIS == id, "STRATIFIED"][1] == "Y"
confidence <- function(id) analyses[analyses$ANALYSIS == id, "CONFIDENCE"][1]

groups <- read("subgroups")
groups$LEVEL <- as.character(groups$LEVEL)
for (i in seq_len(nrow(groups))) {
  g <- groups[i, ]
  d <- of_analysis(g$ANALYSIS, c(g$ARMCD, g$CONTROL))
  level <- function(s) { parts <- strsplit(s, ", ")[[1]]; sub(".* = ", "", parts[startsWith(parts, paste0(g$FACTOR, " = "))]) }
  d$level <- vapply(d$STRATA, level, "")
  here <- d[d$level == g$LEVEL, ]
  if (sum(here$x) != g$N_ARM || sum(here$event[here$x == 0]) != g$EVENTS_CONTROL) stop("a subgroup is counted otherwise")
  if (!is.na(g$HR)) {
    fit <- coxph(Surv(AVAL, event) ~ x, data = here, ties = ties_of(g$ANALYSIS))
    check(paste(g$FACTOR, g$LEVEL, "hazard ratio"), g$HR, exp(coef(fit)[[1]]))
    check(paste(g$FACTOR, g$LEVEL, "lower limit"), g$HR_LCL, summary(fit, conf.int = confidence(g$ANALYSIS))$conf.int[1, 3])
  }
  if (!is.na(g$INTERACTION_P) && g$INTERACTION_DF + 1 == length(unique(d$level))) {
    test <- anova(coxph(Surv(AVAL, event) ~ x + level, d, ties = ties_of(g$ANALYSIS)),
                  coxph(Surv(AVAL, event) ~ x * level, d, ties = ties_of(g$ANALYSIS)))
    check(paste(g$FACTOR, "interaction"), g$INTERACTION_CHISQ, test$Chisq[2])
    check(paste(g$FACTOR, "interaction p"), g$INTERACTION_P, test[["Pr(>|Chi|)"]][2])
  }
}

hazards <- read("hazards"); schoenfeld <- read("schoenfeld")
for (i in seq_len(nrow(hazards))) {
  h <- hazards[i, ]
  d <- of_analysis(h$ANALYSIS, c(h$ARMCD, h$CONTROL))
  d$s <- if (stratified(h$ANALYSIS)) d$STRATA else "all"
  zph <- cox.zph(coxph(Surv(AVAL, event) ~ x + strata(s), data = d, ties = ties_of(h$ANALYSIS)), transform = h$TRANSFORM)
  check(paste(h$ANALYSIS, "cox.zph", h$TRANSFORM), h$CHISQ, zph$table[1, "chisq"])
  if (h$TRANSFORM != "km") next
  ours <- schoenfeld[schoenfeld$ANALYSIS == h$ANALYSIS & schoenfeld$ARMCD == h$ARMCD, ]
  # Events in a stratum of one arm have no residual of their own: cox.zph leaves them at the coefficient.
  both <- names(which(tapply(d$x, d$s, function(x) length(unique(x))) == 2))
  used <- if (is.null(zph$strata)) seq_along(zph$time) else which(sub("^s=", "", zph$strata) %in% both)
  ours <- ours[order(ours$MONTHS, ours$RESIDUAL), ]; r <- used[order(zph$time[used], zph$y[used, 1])]
  if (length(r) != nrow(ours)) stop(paste(h$ANALYSIS, ": another number of residuals"))
  for (j in seq_along(r)) {
    check(paste(h$ANALYSIS, "residual", j), ours$RESIDUAL[j], zph$y[r[j], 1])
    check(paste(h$ANALYSIS, "time of residual", j), 1 + ours$PLACE[j], 1 + zph$x[r[j]])
  }
  line <- coef(lm(zph$y[r, 1] ~ zph$x[r]))
  check(paste(h$ANALYSIS, "trend at 0"), h$TREND_AT_0, line[[1]])
  check(paste(h$ANALYSIS, "trend"), h$TREND_SLOPE, line[[2]])
}

incidence <- read("incidence"); tests <- read("incidence_tests")
causes <- c("strategy failure" = "strategy_failure", "progression" = "progression",
            "progression on the next line" = "next_line_progression", "death" = "death")
cause_of <- function(d) ifelse(d$CNSR == 1, "censored", as.character(d$EVNTDESC))
for (id in unique(incidence$ANALYSIS)) for (arm in unique(incidence$ARMCD)) {
  d <- adtte[adtte$ANALYSIS == id & adtte$TRTPCD == arm, ]
  kinds <- unique(incidence$CAUSE[incidence$ANALYSIS == id])
  d$state <- factor(cause_of(d), c("censored", kinds))
  fit <- survfit(Surv(AVAL, state) ~ 1, data = d, conf.type = "log-log", conf.int = confidence(id))
  for (kind in kinds) {
    mine <- incidence[incidence$ANALYSIS == id & incidence$ARMCD == arm & incidence$CAUSE == kind & incidence$LANDMARK == "N" & incidence$MONTHS > 0, ]
    column <- match(kind, fit$states)
    for (j in seq_len(nrow(mine))) {
      at <- which.min(abs(fit$time - mine$MONTHS[j] * 30.4375))
      check(paste(id, arm, kind, "incidence"), 1 + mine$INCIDENCE[j], 1 + fit$pstate[at, column])
      if (!is.na(mine$LCL[j])) {
        check(paste(id, arm, kind, "lower limit"), mine$LCL[j], fit$lower[at, column])
        check(paste(id, arm, kind, "upper limit"), mine$UCL[j], fit$upper[at, column])
      }
    }
  }
}
if (has("cmprsk")) for (i in seq_len(nrow(tests))) {
  t <- tests[i, ]
  d <- adtte[adtte$ANALYSIS == t$ANALYSIS, ]
  kinds <- unique(tests$CAUSE[tests$ANALYSIS == t$ANALYSIS]); d$code <- match(cause_of(d), kinds, nomatch = 0)
  k <- match(t$CAUSE, kinds)
  if (t$TEST == "GRAY") {
    test <- if (t$STRATIFIED == "Y") cmprsk::cuminc(d$AVAL, d$code, d$TRTPCD, d$STRATA) else cmprsk::cuminc(d$AVAL, d$code, d$TRTPCD)
    check(paste(t$ANALYSIS, t$CAUSE, "Gray"), t$CHISQ, test$Tests[as.character(k), "stat"])
  } else {
    d <- d[d$TRTPCD %in% c(t$ARMCD, t$CONTROL), ]
    fit <- cmprsk::crr(d$AVAL, d$code, as.integer(d$TRTPCD == t$ARMCD), failcode = k, gtol = 1e-12)
    check(paste(t$ANALYSIS, t$CAUSE, "subdistribution ratio"), t$SHR, exp(fit$coef[[1]]))
    check(paste(t$ANALYSIS, t$CAUSE, "p"), t$P, 2 * pnorm(-abs(fit$coef[[1]]) / sqrt(fit$var[1, 1])))
  }
}

loosely <- function(what, ours, r, unit) {
  if (is.na(ours) || abs(ours - r) > 1e-3 * unit) stop(sprintf("%s: the report says %.10g, R says %.10g", what, ours, r))
  compared <<- compared + 1
}
differences <- read("factb_model_differences"); means <- read("factb_model")
if (nrow(differences) > 0 && has("nlme")) {
  d <- read("factb_scores")
  base <- d[d$WEEK == 0, ]; d$base <- base$AVAL[match(d$USUBJID, base$USUBJID)]
  d <- d[d$WEEK %in% means$WEEK & !is.na(d$base), ]
  d$week <- factor(d$WEEK); d$arm <- relevel(factor(d$ARMCD), differences$CONTROL[1]); d$v <- as.integer(d$week)
  d <- d[order(d$USUBJID, d$v), ]
  fit <- nlme::gls(AVAL ~ arm * week + base * week, d, correlation = nlme::corSymm(form = ~ v | USUBJID),
                   weights = nlme::varIdent(form = ~ 1 | week), control = nlme::glsControl(maxIter = 500, msMaxIter = 500, tolerance = 1e-9, msTol = 1e-10))
  row <- function(arm, week) {
    at <- data.frame(arm = factor(arm, levels(d$arm)), week = factor(week, levels(d$week)), base = mean(d$base))
    model.matrix(~ arm * week + base * week, at)[1, ]
  }
  weeks <- levels(d$week)
  se <- function(w) sqrt(drop(t(w) %*% vcov(fit) %*% w))
  check("mean baseline", means$BASELINE_MEAN[1], mean(d$base))
  for (i in seq_len(nrow(means))) {
    w <- row(means$ARMCD[i], as.character(means$WEEK[i]))
    loosely(paste("mean at week", means$WEEK[i]), means$LSMEAN[i], sum(w * coef(fit)), se(w))
  }
  contrast <- function(x, week) row(x$ARMCD, week) - row(x$CONTROL, week)
  for (i in seq_len(nrow(differences))) {
    x <- differences[i, ]
    w <- if (x$WHAT == "WEEK") contrast(x, as.character(x$WEEK)) else {
      times <- c(0, as.numeric(weeks)); half <- diff(times) / 2
      area <- c(half, 0) + c(0, half)
      Reduce(`+`, Map(function(week, a) a * contrast(x, week), weeks, area[-1])) / max(times)
    }
    loosely(paste(x$WHAT, x$WEEK, "difference"), x$DIFFERENCE, sum(w * coef(fit)), se(w))
    loosely(paste(x$WHAT, x$WEEK, "standard error"), x$STDERR, se(w), se(w))
    check(paste(x$WHAT, x$WEEK, "p"), x$P, 2 * pt(-abs(x$DIFFERENCE / x$STDERR), x$DF))
    check(paste(x$WHAT, x$WEEK, "upper limit"), x$UCL, x$DIFFERENCE + qt(1 - (1 - means$CONFIDENCE[1]) / 2, x$DF) * x$STDERR)
  }
}

courses <- read("sabr_courses"); mean_courses <- read("sabr_mean_courses"); lanes <- read("swimmer_lanes")
for (arm in unique(mean_courses$ARMCD)) {
  ours <- mean_courses[mean_courses$ARMCD == arm & mean_courses$MONTHS > 0, ]
  if (nrow(ours) == 0) next
  followed <- lanes[lanes$ARMCD == arm, ]
  at <- courses[courses$ARMCD == arm, ]
  total <- 0
  # Nelson's mean by hand: survfit takes no two courses of a subject on one day.
  for (j in seq_len(nrow(ours))) {
    total <- total + sum(abs(at$MONTHS - ours$MONTHS[j]) < 1e-9) / sum(followed$UNTIL_DAY >= ours$MONTHS[j] * 30.4375 - 1e-6)
    check(paste(arm, "mean courses"), ours$MEAN_COURSES[j], total)
  }
}
cat(sprintf("%d numbers of %d analyses recomputed in R %s; largest relative difference %.2g\n",
            compared, length(unique(analyses$ANALYSIS)), getRversion(), worst))
if (compared < 20) stop("too few numbers were compared")
