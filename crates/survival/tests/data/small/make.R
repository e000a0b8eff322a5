# Reference values for the tests of two samples. Rscript make.R, in this folder. R 4.2.2, emmeans 1.8.4.
suppressMessages({library(jsonlite); library(emmeans)})
out <- list()

tables <- list(c(3, 37, 9, 28), c(0, 0, 5, 7), c(2, 0, 0, 3), c(10, 2, 3, 15), c(250, 130, 210, 190), c(1, 0, 0, 1), c(40, 1, 60, 9), c(1000, 2000, 1100, 1900))
out$fisher <- lapply(tables, function(t) { f <- function(l) fisher.test(matrix(t, 2, byrow = TRUE), conf.level = l)
  a <- f(0.95); b <- f(0.9); list(table = t, p = a$p.value, or = unname(a$estimate), ci = as.vector(a$conf.int), ci90 = as.vector(b$conf.int)) })

out$binomial <- lapply(list(c(0, 1), c(1, 1), c(3, 20), c(500, 1000), c(7, 100000)), function(x) list(x = x[1], n = x[2],
  exact = as.vector(binom.test(x[1], x[2])$conf.int), exact99 = as.vector(binom.test(x[1], x[2], conf.level = 0.99)$conf.int),
  wilson = as.vector(suppressWarnings(prop.test(x[1], x[2], correct = FALSE))$conf.int)))

set.seed(20)
samples <- list(
  small = list(x = round(rnorm(9, 1), 4), y = round(rnorm(12), 4)),
  unequal = list(x = round(rexp(40), 5), y = round(rexp(7, 0.5), 5)),
  tiny = list(x = c(1.1, 2.2), y = c(3.3, 0.4, 5.5)),
  ties = list(x = round(rnorm(25, 0.4), 1), y = round(rnorm(30), 1)),
  large = list(x = round(rnorm(80, 0.2), 3), y = round(rnorm(70), 3)),
  heavy = list(x = c(1, 1, 2, 2, 2, 3), y = c(2, 2, 3, 3, 3, 3, 4)))
quiet <- function(e) suppressWarnings(e)
out$samples <- lapply(samples, function(s) { x <- s$x; y <- s$y; k <- min(length(x), length(y))
  w <- quiet(wilcox.test(x, y, conf.int = TRUE)); n <- quiet(wilcox.test(x, y, exact = FALSE, correct = FALSE, conf.int = TRUE, conf.level = 0.8))
  v <- quiet(wilcox.test(x[1:k], y[1:k], paired = TRUE, conf.int = TRUE)); u <- quiet(wilcox.test(x[1:k], y[1:k], paired = TRUE, exact = FALSE, correct = FALSE, conf.int = TRUE, conf.level = 0.8))
  wt <- function(w) list(statistic = unname(w$statistic), p = w$p.value, estimate = unname(w$estimate), ci = as.vector(w$conf.int), exact = grepl("exact", w$method))
  tt <- function(t) list(p = t$p.value, df = unname(t$parameter), t = unname(t$statistic), se = t$stderr, ci = as.vector(t$conf.int))
  list(x = x, y = y, rank_sum = wt(w), rank_sum_normal = wt(n), signed_rank = wt(v), signed_rank_normal = wt(u), hodges_lehmann = median(outer(x, y, "-")),
    welch = tt(t.test(x, y)), student = tt(t.test(x, y, var.equal = TRUE)), paired = tt(t.test(x[1:k], y[1:k], paired = TRUE)), one = tt(t.test(y, mu = 0.5))) })

set.seed(4)
n <- 48; d <- data.frame(g = factor(rep(1:3, length.out = n)), x = round(rnorm(n, 50, 8), 2), s = factor(sample(c(1, 2, 5), n, TRUE)))
d$y <- round(10 + 0.6 * d$x + 2 * as.integer(d$g) + as.integer(d$s) + rnorm(n, 0, 4), 3)
fit <- lm(y ~ g + x + s, d); e <- emmeans(fit, ~ g); eo <- emmeans(fit, ~ g, weights = "proportional")
one <- as.data.frame(summary(contrast(e, list(c(-1, 0.5, 0.5))), infer = TRUE))
pair <- as.data.frame(summary(pairs(e, reverse = TRUE, adjust = "none"), infer = TRUE)); dr <- drop1(fit, . ~ ., test = "F")
out$ancova <- list(y = d$y, g = as.integer(d$g), x = d$x, s = as.integer(as.character(d$s)), coefficients = unname(coef(fit)), variance = unname(vcov(fit)),
  sigma = sigma(fit), df = fit$df.residual, r_squared = summary(fit)$r.squared, means = as.data.frame(e)$emmean, means_se = as.data.frame(e)$SE,
  observed = as.data.frame(eo)$emmean, observed_se = as.data.frame(eo)$SE, pairs = pair$estimate, pairs_se = pair$SE, pairs_p = pair$p.value,
  pairs_ci = unname(as.matrix(pair[, c("lower.CL", "upper.CL")])), contrast = c(one$estimate, one$SE, one$p.value), F = dr["g", "F value"], F_p = dr["g", "Pr(>F)"])
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE), "small.json")
