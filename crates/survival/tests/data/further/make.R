# Reference values beyond the golden files. Run in this folder: Rscript make.R
# Needs survival, cmprsk, mvtnorm, jsonlite. Made with R 4.2.2, survival 3.5.3, cmprsk 2.2.11, mvtnorm 1.1.3.
library(survival); library(cmprsk); library(mvtnorm); library(jsonlite)
set.seed(20240607)
tight <- coxph.control(eps = 1e-13, iter.max = 50)
save_json <- function(x, name) write(toJSON(x, digits = I(15), na = "null", null = "null", matrix = "rowmajor",
  auto_unbox = TRUE), name)
read <- function(name) read.csv(file.path("..", "golden", paste0(name, ".csv")))

curve <- function(fit) list(time = I(fit$time), n_risk = I(fit$n.risk), n_event = I(fit$n.event),
  n_censor = I(fit$n.censor), surv = I(fit$surv), std_err = I(fit$std.err * fit$surv), lower = I(fit$lower),
  upper = I(fit$upper), cumhaz = I(fit$cumhaz), std_chaz = I(fit$std.chaz))

# --- Kaplan-Meier and Nelson-Aalen with weights and left truncation ---------------------------------------------
lung <- read("lung"); n <- nrow(lung)
lung$entry <- pmin(floor(lung$time * runif(n, 0, 0.8)), lung$time - 1)
lung$count <- as.numeric(sample(1:4, n, replace = TRUE))
lung$weight <- round(runif(n, 0.2, 3), 3)
write.csv(lung, "lung_weighted.csv", row.names = FALSE, quote = FALSE)
km <- list(
  count = curve(survfit(Surv(time, status) ~ 1, lung, weights = count, robust = FALSE)),
  weight = curve(survfit(Surv(time, status) ~ 1, lung, weights = weight, robust = FALSE)),
  entry = curve(survfit(Surv(entry, time, status) ~ 1, lung)),
  entry_weight = curve(survfit(Surv(entry, time, status) ~ 1, lung, weights = weight, robust = FALSE)),
  one_by_one = curve(survfit(Surv(time, status) ~ 1, lung, ctype = 2)))
follow <- survfit(Surv(time, 1 - status) ~ 1, lung)
km$follow_up <- as.list(sapply(quantile(follow, 0.5), unname))
times <- c(0, 11, 100.5, 365, 700, 1000)
s <- summary(survfit(Surv(time, status) ~ 1, lung, conf.type = "log-log"), times = times)
km$landmark <- list(time = times, surv = s$surv, std_err = s$std.err, lower = s$lower, upper = s$upper, n_risk = s$n.risk)
save_json(km, "km.json")

# --- Cox ---------------------------------------------------------------------------------------------------------
describe <- function(fit, zph = TRUE, residuals = TRUE) {
  p <- length(coef(fit))
  out <- list(coef = I(unname(coef(fit))), var = matrix(fit$var, p), loglik = fit$loglik, score = fit$score,
    wald = fit$wald.test, martingale = I(unname(fit$residuals)),
    concordance = unname(fit$concordance[c("concordance", "std")]),
    counts = unname(fit$concordance[c("concordant", "discordant", "tied.x", "tied.y", "tied.xy")]))
  if (!is.null(fit$naive.var)) out$naive_var <- matrix(fit$naive.var, p)
  if (residuals) {
    out$deviance <- I(unname(residuals(fit, "deviance")))
    out$schoenfeld <- matrix(residuals(fit, "schoenfeld"), ncol = p)
    out$scaled_schoenfeld <- matrix(residuals(fit, "scaledsch"), ncol = p)
    out$score_residuals <- matrix(residuals(fit, "score"), ncol = p)
    out$dfbeta <- matrix(residuals(fit, "dfbeta"), ncol = p)
  }
  if (zph) out$zph <- lapply(c(km = "km", identity = "identity", rank = "rank", log = "log"),
    function(f) { t <- cox.zph(fit, f)$table; list(chisq = I(unname(t[, 1])), p = I(unname(t[, 3]))) })
  b <- basehaz(fit, centered = FALSE)
  out$basehaz <- list(time = I(b$time), hazard = I(b$hazard))
  out
}
veteran <- read("veteran")
lung$site <- lung$inst
cox <- list()
for (ties in c("efron", "breslow")) {
  # do.call puts the data into the call, where residuals() looks for them again.
  f <- function(formula, ...) do.call(coxph, list(formula, data = lung, ties = ties, control = tight, ...))
  cox[[ties]] <- list(
    plain = describe(f(Surv(time, status) ~ arm + age + ecog)),
    strata = describe(f(Surv(time, status) ~ arm + age + strata(inst)), zph = TRUE),
    count = describe(f(Surv(time, status) ~ arm + age + ecog, weights = lung$count)),
    weight = describe(f(Surv(time, status) ~ arm + age + ecog, weights = lung$weight, robust = FALSE)),
    weight_robust = describe(f(Surv(time, status) ~ arm + age + ecog, weights = lung$weight)),
    entry = describe(f(Surv(entry, time, status) ~ arm + age + ecog)),
    entry_strata_weight = describe(f(Surv(entry, time, status) ~ arm + age + strata(inst), weights = lung$weight, robust = FALSE)),
    cluster = describe(f(Surv(time, status) ~ arm + age + ecog, cluster = lung$site)))
}
split <- survSplit(Surv(time, status) ~ ., veteran, cut = c(30, 60, 120, 240), episode = "period", id = "id")
split$karno_late <- split$karno * (split$period > 2)
write.csv(split[, c("id", "tstart", "time", "status", "arm", "karno", "karno_late", "age")], "veteran_split.csv",
  row.names = FALSE, quote = FALSE)
for (ties in c("efron", "breslow"))
  cox[[ties]]$split <- describe(do.call(coxph, list(Surv(tstart, time, status) ~ arm + karno + karno_late,
    data = split, ties = ties, control = tight, cluster = split$id)))
brief <- function(fit) list(coef = I(unname(coef(fit))), var = matrix(fit$var, length(coef(fit))), loglik = fit$loglik,
  score = fit$score, martingale = I(unname(fit$residuals)))
heavy <- transform(lung, month = ceiling(time / 61))
cox$exact <- list(
  plain = brief(coxph(Surv(time, status) ~ arm + age + ecog, lung, ties = "exact", control = tight)),
  heavy = brief(coxph(Surv(month, status) ~ arm + age + ecog, heavy, ties = "exact", control = tight)),
  strata = brief(coxph(Surv(month, status) ~ arm + age + strata(ecog), heavy, ties = "exact", control = tight)),
  split = brief(coxph(Surv(tstart, time, status) ~ arm + karno, split, ties = "exact", control = tight)))
lung$shift <- (lung$age - 60) / 25
cox$offset <- brief(coxph(Surv(time, status) ~ arm + ecog + offset(shift), lung, control = tight))
# Profile limits: where twice the fall of the profile likelihood is the chi-squared quantile.
full <- coxph(Surv(time, status) ~ arm + age + ecog, lung, control = tight)
fall <- function(b) {
  lung$fixed <- b * lung$arm
  2 * (full$loglik[2] - coxph(Surv(time, status) ~ age + ecog + offset(fixed), lung, control = tight)$loglik[2])
}
root <- function(from, to) uniroot(function(b) fall(b) - qchisq(0.95, 1), c(from, to), tol = 1e-12)$root
b <- coef(full)[["arm"]]
cox$profile <- list(arm = exp(c(root(b - 1, b), root(b, b + 1))), p_arm = pchisq(fall(0), 1, lower.tail = FALSE))
# Firth: the penalised likelihood maximised by hand from coxph's own likelihood and information, fixed at b.
at <- function(b, formula, data, ties) coxph(formula, data, ties = ties, init = b,
  control = coxph.control(iter.max = 0))
firth <- function(formula, data, ties, p) {
  value <- function(b) { f <- at(b, formula, data, ties); f$loglik[1] - 0.5 * log(det(as.matrix(f$var))) }
  # Newton on central differences of the penalised likelihood: far more digits than optim's.
  b <- rep(0, p); h <- 1e-3
  gradient <- function(b) sapply(1:p, function(j) { e <- replace(rep(0, p), j, h)
    (8 * (value(b + e) - value(b - e)) - (value(b + 2 * e) - value(b - 2 * e))) / (12 * h) })
  for (i in 1:60) b <- b + as.vector(as.matrix(at(b, formula, data, ties)$var) %*% gradient(b))
  list(coef = I(b), var = as.matrix(at(b, formula, data, ties)$var), loglik = value(b), start = value(rep(0, p)))
}
separated <- data.frame(time = c(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), status = c(1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0),
  arm = c(1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0), x = c(2, 5, 3, 4, 1, 6, 2, 3, 6, 1, 4, 5))
cox$firth <- list(
  separated = firth(Surv(time, status) ~ arm + x, separated, "breslow", 2),
  lung_breslow = firth(Surv(time, status) ~ arm + ecog, lung, "breslow", 2),
  lung_efron = firth(Surv(month, status) ~ arm + ecog, heavy, "efron", 2))
save_json(cox, "cox.json")

# --- weighted log-rank by its definition, and MaxCombo -----------------------------------------------------------
weighted <- function(d, weights) {
  u <- rep(0, length(weights)); v <- matrix(0, length(weights), length(weights))
  for (s in unique(d$stratum)) {
    e <- d[d$stratum == s, ]; surv <- 1
    for (t in sort(unique(e$time[e$status == 1]))) {
      n <- sum(e$time >= t); n1 <- sum(e$time >= t & e$group == 1)
      m <- sum(e$time == t & e$status == 1); m1 <- sum(e$time == t & e$status == 1 & e$group == 1)
      w <- sapply(weights, function(x) surv^x[1] * (1 - surv)^x[2])
      u <- u + w * (m1 - m * n1 / n)
      if (n > 1) v <- v + outer(w, w) * m * n1 * (n - n1) * (n - m) / (n^2 * (n - 1))
      surv <- surv * (1 - m / n)
    }
  }
  list(u = u, v = v)
}
four <- list(c(0, 0), c(1, 0), c(0, 1), c(1, 1))
combo <- function(d) {
  r <- weighted(d, four); z <- r$u / sqrt(diag(r$v)); q <- max(abs(z)); k <- cov2cor(r$v)
  list(z = z, correlation = k, p = 1 - as.numeric(pmvnorm(rep(-q, 4), rep(q, 4), corr = k, algorithm = GenzBretz(maxpts = 2e7, abseps = 1e-8))),
    p_less = 1 - as.numeric(pmvnorm(rep(min(z), 4), rep(Inf, 4), corr = k, algorithm = GenzBretz(maxpts = 2e7, abseps = 1e-8))))
}
gbsg <- read("gbsg")
tests <- list(
  lung = combo(with(lung, data.frame(time, status, group = arm - 1, stratum = 1))),
  lung_strata = combo(with(lung, data.frame(time, status, group = arm - 1, stratum = inst))),
  gbsg = combo(with(gbsg, data.frame(time, status, group = arm, stratum = 1))))

# --- competing risks ---------------------------------------------------------------------------------------------
m <- 240
risks <- data.frame(time = ceiling(rexp(m, 1 / 12)), cause = sample(0:3, m, TRUE, c(3, 4, 2, 2)), arm = sample(1:3, m, TRUE),
  site = sample(1:4, m, TRUE), age = round(rnorm(m, 60, 9)), stage = sample(0:1, m, TRUE), weight = round(runif(m, 0.3, 2.5), 2))
risks$entry <- pmax(0, pmin(risks$time - 1, floor(rexp(m, 1 / 4))))
write.csv(risks, "competing.csv", row.names = FALSE, quote = FALSE)
states <- function(fit) list(time = I(fit$time), n_risk = I(fit$n.risk[, 1]), pstate = fit$pstate, std_err = fit$std.err)
tests$aalen_johansen <- list(
  plain = states(survfit(Surv(time, factor(cause)) ~ 1, risks)),
  weight = states(survfit(Surv(time, factor(cause)) ~ 1, risks, weights = weight)),
  entry = states(survfit(Surv(entry, time, factor(cause)) ~ 1, risks, id = seq_len(m))),
  entry_weight = states(survfit(Surv(entry, time, factor(cause)) ~ 1, risks, weights = weight, id = seq_len(m))))
g <- function(...) unname(cuminc(risks$time, risks$cause, risks$arm, ...)$Tests)
tests$gray <- list(plain = g(), strata = g(strata = risks$site), rho = g(rho = 1))
fg <- function(code, x) { f <- crr(risks$time, risks$cause, x, failcode = code, gtol = 1e-12, maxiter = 50)
  list(coef = I(unname(f$coef)), var = f$var, loglik = c(f$loglik.null, f$loglik)) }
tests$fine_gray <- list(one = fg(1, as.matrix(risks[, c("age", "stage")])), two = fg(2, as.matrix(risks[, c("age", "stage")])))
save_json(tests, "tests.json")

# --- many strata, most of them too small to tell much ---------------------------------------------------------------
many <- data.frame(time = ceiling(rexp(2500) * 30), status = rbinom(2500, 1, 0.6), arm = rbinom(2500, 1, 0.5),
  x = round(rnorm(2500), 2), stratum = sample(900, 2500, TRUE))
fit <- coxph(Surv(time, status) ~ arm + x + strata(stratum), many, control = tight)
diff <- survdiff(Surv(time, status) ~ arm + strata(stratum), many)
save_json(c(as.list(many), list(coef = unname(coef(fit)), var = fit$var, loglik = fit$loglik,
  concordance = unname(fit$concordance[c("concordance", "std")]), martingale = unname(fit$residuals),
  chisq = diff$chisq)), "strata.json")

# --- many small awkward samples: heavy ties, times of 0, arms and strata without events, one subject --------------
finite <- function(x) if (inherits(x, "try-error")) NULL else x
awkward <- function(i) {
  n <- sample(c(1:6, 8, 12, 20, 40), 1); arms <- sample(1:4, 1)
  d <- data.frame(time = sample(0:sample(c(1, 3, 10, 50), 1), n, TRUE), status = rbinom(n, 1, runif(1)),
    arm = sample(arms, n, TRUE), stratum = sample(sample(1:5, 1), n, TRUE), x = round(rnorm(n), 1))
  if (i %% 3 == 0) d$time <- d$time / 10 + sample(c(0, 1e-12), n, TRUE)
  if (i %% 4 == 0) d$status[d$arm == 1] <- 0
  if (i %% 5 == 0) d$status[d$stratum == 1] <- 0
  out <- as.list(lapply(d, I))
  out$km <- lapply(c(plain = "plain", log = "log", `log-log` = "log-log"), function(ct) {
    f <- survfit(Surv(time, status) ~ 1, d, conf.type = ct); q <- quantile(f, c(0.25, 0.5, 0.75))
    c(curve(f), list(quantile = unname(q$quantile), quantile_lower = unname(q$lower), quantile_upper = unname(q$upper))) })
  f <- survfit(Surv(time, status) ~ 1, d)
  out$rmst <- unname(survival:::survmean(f, rmean = 5)$matrix[c("rmean", "se(rmean)")])
  out$rmst_tau <- 5
  sd <- function(...) { f <- try(survdiff(..., data = d), silent = TRUE)
    if (inherits(f, "try-error")) return(NULL)
    sum_rows <- function(m) if (is.matrix(m)) rowSums(m) else m
    list(observed = I(unname(sum_rows(f$obs))), expected = I(unname(sum_rows(f$exp))), var = unname(as.matrix(f$var)), chisq = f$chisq,
      df = sum(sum_rows(f$exp) > 0) - 1, p = f$pvalue) }
  out$logrank <- finite(try(sd(Surv(time, status) ~ arm), silent = TRUE))
  out$peto_peto <- finite(try(sd(Surv(time, status) ~ arm, rho = 1), silent = TRUE))
  out$stratified <- finite(try(sd(Surv(time, status) ~ arm + strata(stratum)), silent = TRUE))
  cx <- function(...) { warned <- FALSE
    # Whether R warns is asked with its defaults: under separation a tight tolerance only runs further away.
    try(withCallingHandlers(coxph(..., data = d), warning = function(w) { warned <<- TRUE; invokeRestart("muffleWarning") }), silent = TRUE)
    f <- try(suppressWarnings(coxph(..., data = d, control = tight)), silent = TRUE)
    if (inherits(f, "try-error") || sum(d$status) == 0) return(NULL)
    list(coef = I(unname(coef(f))), var = unname(as.matrix(f$var)), loglik = f$loglik, score = f$score, warned = warned,
      martingale = I(unname(f$residuals)), concordance = unname(f$concordance[c("concordance", "std")])) }
  out$cox_efron <- cx(Surv(time, status) ~ x + I(1 * (arm == 2)))
  out$cox_breslow <- cx(Surv(time, status) ~ x + I(1 * (arm == 2)), ties = "breslow")
  out$cox_strata <- cx(Surv(time, status) ~ x + strata(stratum))
  out$cox_exact <- cx(Surv(time, status) ~ x, ties = "exact")
  out
}
save_json(lapply(1:150, awkward), "awkward.json")
