# Reference values for `times.csv`, and for two small samples of means, from R's own functions.
# Rscript reference.R > reference.json     (with cmprsk)
suppressMessages(library(survival)); suppressMessages(library(cmprsk))
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
# Within the levels of the protocol's factor, and whether they differ.
subgroups <- function() {
  of <- function(level) {
    s <- d[d$stratum == level, ]
    fit <- coxph(Surv(days, event) ~ treated, s)
    arr(c(sum(s$treated), sum(s$event[s$treated == 1]), sum(1 - s$treated), sum(s$event[s$treated == 0]),
          exp(coef(fit)), exp(confint(fit))))
  }
  both <- d[d$stratum %in% c("a", "b"), ]
  test <- anova(coxph(Surv(days, event) ~ treated + stratum, both), coxph(Surv(days, event) ~ treated * stratum, both))
  obj(a = of("a"), b = of("b"), interaction = arr(c(test$Chisq[2], test[["Pr(>|Chi|)"]][2])))
}
hazards <- function() {
  fit <- coxph(Surv(days, event) ~ treated + strata(stratum), d)
  z <- cox.zph(fit, transform = "km")
  # Events in a stratum of one arm have no residual of their own: cox.zph leaves them at the coefficient.
  both <- names(which(tapply(d$treated, d$stratum, function(x) length(unique(x))) == 2))
  used <- which(z$strata %in% both)
  o <- used[order(z$time[used], z$y[used, 1])]
  tests <- sapply(c("km", "rank", "identity", "log"), function(t) cox.zph(fit, transform = t)$table[1, c("chisq", "p")])
  obj(time = arr(z$time[o] / month), place = arr(z$x[o]), value = arr(z$y[o, 1]), trend = arr(coef(lm(z$y[o, 1] ~ z$x[o]))),
      chisq = arr(tests["chisq", ]), p = arr(tests["p", ]))
}
# Every third event a progression: two causes.
competing <- function() {
  d$cause <- ifelse(d$event == 0, 0, ifelse(as.integer(d$subject) %% 3 == 0, 1, 2))
  d$state <- factor(d$cause, 0:2, c("censored", "progression", "death"))
  curve <- function(a) {
    f <- survfit(Surv(days, state) ~ 1, d[d$arm == a, ], conf.type = "log-log")
    l <- summary(f, times = c(6, 12) * month)
    of <- function(k) obj(at = arr(c(l$pstate[1, k], l$lower[1, k], l$upper[1, k], l$pstate[2, k], l$lower[2, k], l$upper[2, k])),
                          last = num(f$pstate[length(f$time), k]))
    obj(progression = of(2), death = of(3))
  }
  gray <- cuminc(d$days, d$cause, d$arm, d$stratum)$Tests
  ratio <- function(k) { f <- crr(d$days, d$cause, d$treated, failcode = k, gtol = 1e-12); s <- sqrt(f$var[1, 1])
    arr(c(exp(f$coef + c(0, -1, 1) * qnorm(0.975) * s), 2 * pnorm(-abs(f$coef / s)))) }
  obj(A = curve("A"), B = curve("B"), gray = arr(c(gray["1", 1:2], gray["2", 1:2])), progression = ratio(1), death = ratio(2))
}
x <- c(104.2, 99, 121.5, 87.3, 110, 95.1, 130.4)
y <- c(88, 92.5, 70.1, 101, 84.4)
w <- t.test(x, y)
one <- t.test(x)
cat(obj(tau = num(tau / month), A = arm("A"), B = arm("B"),
        stratified = comparison(Surv(days, event) ~ arm + strata(stratum), Surv(days, event) ~ treated + strata(stratum)),
        plain = comparison(Surv(days, event) ~ arm, Surv(days, event) ~ treated),
        subgroups = subgroups(), hazards = hazards(), competing = competing(),
        x = arr(x), y = arr(y), mean_x = arr(c(one$estimate, one$conf.int)),
        welch = arr(c(diff(rev(w$estimate)), w$conf.int, w$p.value))), "\n")
