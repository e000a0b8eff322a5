# Reference values for the mixed model for repeated measures. Rscript make.R, in this folder.
# Estimates, covariance: nlme::gls (REML). Satterthwaite: two ways, neither of them ours:
#   sat     the definition, with V's derivatives and the Hessian of the REML deviance by numDeriv
#   lmer    lmerTest on (0 + visit | id), whose residual variance is redundant (the way before package mmrm existed)
# (Where nobody is missing the degrees of freedom are whole numbers, known without any of these.)
suppressMessages({library(nlme); library(lme4); library(lmerTest); library(emmeans); library(jsonlite); library(numDeriv)})

rows <- function(n, visits, seed, missing, scale = 1) {
  set.seed(seed)
  m <- length(visits)
  L <- chol(0.3 * diag(m) + 0.7 ^ abs(outer(1:m, 1:m, "-")) )
  sd <- 10 + 1.5 * (1:m)
  d <- do.call(rbind, lapply(1:n, function(i) {
    arm <- i %% 2
    base <- round(105 + 15 * rnorm(1))
    site <- sample(1:3, 1)
    y <- 60 + 0.4 * base + arm * 2 * (1:m) - 1.2 * (1:m) + site + sd * drop(rnorm(m) %*% L)
    data.frame(id = i, visit = visits, arm = arm, baseline = base, site = site, y = round(y * scale, 3))
  }))
  keep <- runif(nrow(d)) > missing
  d[keep, ]
}

# The REML deviance of an unstructured covariance, straight from the definition.
deviance_at <- function(theta, X, y, id, v, m, what = "deviance") {
  S <- matrix(0, m, m); S[upper.tri(S, TRUE)] <- theta; S <- S + t(S) - diag(diag(S))
  A <- 0; b <- 0; ld <- 0; rows <- split(seq_along(y), id)
  W <- lapply(rows, function(r) solve(S[v[r], v[r], drop = FALSE]))
  for (k in seq_along(rows)) { r <- rows[[k]]
    A <- A + t(X[r, , drop = FALSE]) %*% W[[k]] %*% X[r, , drop = FALSE]
    b <- b + t(X[r, , drop = FALSE]) %*% W[[k]] %*% y[r]
    ld <- ld - as.numeric(determinant(W[[k]])$modulus) }
  beta <- solve(A, b)
  if (what == "variance") return(solve(A))
  if (what == "beta") return(beta)
  e <- y - X %*% beta; q <- 0
  for (k in seq_along(rows)) { r <- rows[[k]]; q <- q + t(e[r]) %*% W[[k]] %*% e[r] }
  as.numeric((length(y) - ncol(X)) * log(2 * pi) + ld + q + determinant(A)$modulus)
}

reference <- function(name, d, fixed, rename) {
  d$v <- as.integer(factor(d$visit)); d$visit <- factor(d$visit); d$arm <- factor(d$arm)
  d$site <- factor(d$site); m <- nlevels(d$visit)
  fit <- do.call(gls, list(fixed, data = d, correlation = corSymm(form = ~ v | id), weights = varIdent(form = ~ 1 | visit),
             control = glsControl(maxIter = 500, msMaxIter = 1000, tolerance = 1e-12, msTol = 1e-13, opt = "nlminb")))
  full <- names(which.max(table(d$id)))
  sd <- c(1, coef(fit$modelStruct$varStruct, unconstrained = FALSE))[match(levels(d$visit),
        c(levels(d$visit)[match(setdiff(levels(d$visit), names(coef(fit$modelStruct$varStruct, unconstrained = FALSE))), levels(d$visit))],
          names(coef(fit$modelStruct$varStruct, unconstrained = FALSE))))] * fit$sigma
  R <- diag(m); cs <- coef(fit$modelStruct$corStruct, unconstrained = FALSE)
  R[lower.tri(R)] <- cs; R <- R + t(R) - diag(m)
  S <- R * outer(sd, sd)
  X <- model.matrix(fixed, d); y <- d$y
  dev <- function(th) deviance_at(th, X, y, d$id, d$v, m)
  theta <- S[upper.tri(S, TRUE)]
  # gls stops early: polish by Newton on the deviance itself.
  for (i in 1:6) { g <- grad(dev, theta); H <- hessian(dev, theta); theta <- theta - solve(H, g) }
  S2 <- matrix(0, m, m); S2[upper.tri(S2, TRUE)] <- theta; S2 <- S2 + t(S2) - diag(diag(S2))
  H <- hessian(dev, theta); V <- deviance_at(theta, X, y, d$id, d$v, m, "variance")
  beta <- drop(deviance_at(theta, X, y, d$id, d$v, m, "beta"))
  sat <- function(w) { f <- function(th) drop(t(w) %*% deviance_at(th, X, y, d$id, d$v, m, "variance") %*% w)
    g <- grad(f, theta); v <- f(theta)
    c(estimate = sum(w * beta), std_err = sqrt(v), df = v^2 / drop(t(g) %*% solve(H) %*% g)) }
  grid <- expand.grid(arm = levels(d$arm), visit = levels(d$visit))
  ref <- function(a, vis) { nd <- data.frame(arm = factor(a, levels(d$arm)), visit = factor(vis, levels(d$visit)),
      baseline = mean(d$baseline), site = factor(levels(d$site)))
    colMeans(model.matrix(delete.response(terms(fixed)), nd)) }
  lsm <- lapply(seq_len(nrow(grid)), function(k) c(list(arm = as.integer(as.character(grid$arm[k])),
      visit = as.integer(as.character(grid$visit[k]))), as.list(sat(ref(grid$arm[k], grid$visit[k])))))
  diffs <- lapply(levels(d$visit), function(vis) c(list(visit = as.integer(vis)),
      as.list(sat(ref(levels(d$arm)[2], vis) - ref(levels(d$arm)[1], vis)))))
  times <- as.numeric(levels(d$visit)); tt <- c(0, times); w <- numeric(m + 1)
  for (i in 1:m) { h <- (tt[i + 1] - tt[i]) / 2; w[i] <- w[i] + h; w[i + 1] <- w[i + 1] + h }
  cw <- Reduce(`+`, lapply(1:m, function(i) w[i + 1] * (ref(levels(d$arm)[2], levels(d$visit)[i]) - ref(levels(d$arm)[1], levels(d$visit)[i]))))
  emm <- as.data.frame(emmeans(fit, ~ arm | visit, mode = "df.error", data = d))
  # lmerTest: the over-parametrised mixed model of the days before package mmrm
  lm2 <- suppressMessages(suppressWarnings(lmerTest::lmer(update(fixed, . ~ . + (0 + visit | id)), d, REML = TRUE,
      control = lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore", optCtrl = list(maxfun = 1e6, xtol_abs = 1e-14, ftol_abs = 1e-14),
      optimizer = "nloptwrap", calc.derivs = FALSE))))
  ct <- coef(summary(lm2))
  write.csv(data.frame(subject = d$id, visit = as.character(d$visit), arm = as.character(d$arm), baseline = d$baseline,
      site = as.character(d$site), y = d$y), paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
  list(names = colnames(X), gls = list(coefficients = unname(coef(fit)), variance = unname(as.matrix(vcov(fit))),
         covariance = unname(S), log_likelihood = as.numeric(logLik(fit)), means = emm$emmean, means_std_err = emm$SE),
       deviance = dev(theta), coefficients = unname(beta), variance = unname(V), covariance = S2,
       sat = lapply(seq_along(beta), function(k) as.list(sat(as.numeric(seq_along(beta) == k)))),
       means = lsm, differences = diffs, auc = as.list(sat(cw)),
       lmer = list(estimate = unname(ct[, 1]), std_err = unname(ct[, 2]), df = unname(ct[, 3]), log_likelihood = as.numeric(logLik(lm2))))
}

out <- list(
  quality = reference("quality", rows(74, c(12, 24, 36, 48), 7, 0.18), y ~ arm * visit + baseline * visit),
  complete = reference("complete", rows(30, c(12, 24, 36), 11, 0), y ~ arm * visit + baseline * visit),
  sites = reference("sites", rows(60, c(6, 12, 24), 3, 0.25), y ~ arm * visit + baseline + site),
  small_scale = reference("small_scale", rows(50, c(1, 2, 3), 5, 0.2, 1e-3), y ~ arm * visit)
)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "mmrm.json")
