# Reference values for `times.csv`, and for two small samples of means, from R's own functions.
# Rscript reference.R > reference.json
suppressMessages(library(survival))
d <- read.csv("times.csv", colClasses = c(subject = "character"))
d$treated <- as.integer(d$arm == "A")
month <- 30.4375
num <- function(x) ifelse(is.na(x), "null", formatC(x, digits = 15, format = "g"))
arr <- function(x) paste0("[", paste(num(x), collapse = ", "), "]")
obj <- function(...) { x <- list(...); paste0("{", paste0('"', names(x), '": ', unlist(x), collapse = ", "), "}") }
tau <- min(tapply(d$days, d$arm, max))

arm <- function(a) {
  s <- d[d$arm == a, ]
  f <- survfit(Surv(days, event) ~ 1, s, conf.type = "log-log")
  m <- summary(f, rmean = tau)$table
  q <- quantile(f, 0.5)
  r <- survfit(Surv(days, 1 - event) ~ 1, s, conf.type = "log-log")
  rq <- quantile(r, 0.5)
  l <- summary(f, times = c(6, 12) * month)
  obj(time = arr(f$time / month), surv = arr(f$surv), lower = arr(f$lower), upper = arr(f$upper),
      n_risk = arr(f$n.risk), median = arr(c(q$quantile, q$lower, q$upper) / month),
      landmarks = arr(c(l$surv[1], l$lower[1], l$upper[1], l$surv[2], l$lower[2], l$upper[2])),
      at_risk = arr(sapply(0:8 * 3 * month, function(t) sum(s$days >= t))),
      follow_up = arr(c(rq$quantile, rq$lower, rq$upper) / month),
      rmst = arr(c(m["rmean"], m["se(rmean)"]) / month))
}
comparison <- function(test, model) {
  lr <- survdiff(test, d)
  fit <- coxph(model, d, ties = "efron")
  breslow <- coxph(model, d, ties = "breslow")
  z <- cox.zph(fit, transform = "km")
  obj(chisq = num(lr$chisq), logrank_p = num(pchisq(lr$chisq, 1, lower.tail = FALSE)),
      hazard_ratio = arr(c(exp(coef(fit)), exp(confint(fit)))), wald_p = num(summary(fit)$coefficients[, "Pr(>|z|)"]),
      breslow = num(exp(coef(breslow))), zph_p = num(z$table[1, "p"]))
}
x <- c(104.2, 99, 121.5, 87.3, 110, 95.1, 130.4)
y <- c(88, 92.5, 70.1, 101, 84.4)
w <- t.test(x, y)
one <- t.test(x)
cat(obj(tau = num(tau / month), A = arm("A"), B = arm("B"),
        stratified = comparison(Surv(days, event) ~ arm + strata(stratum), Surv(days, event) ~ treated + strata(stratum)),
        plain = comparison(Surv(days, event) ~ arm, Surv(days, event) ~ treated),
        x = arr(x), y = arr(y), mean_x = arr(c(one$estimate, one$conf.int)),
        welch = arr(c(diff(rev(w$estimate)), w$conf.int, w$p.value))), "\n")
