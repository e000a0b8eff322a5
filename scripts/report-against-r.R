# Recomputes every hazard ratio, log-rank test and median of a report with R's survival package, from the report's own
# exported ADTTE, and fails where one differs by more than 1e-6 relative.
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
cat(sprintf("%d numbers of %d analyses recomputed in R %s; largest relative difference %.2g\n",
            compared, length(unique(analyses$ANALYSIS)), getRversion(), worst))
if (compared < 20) stop("too few numbers were compared")
