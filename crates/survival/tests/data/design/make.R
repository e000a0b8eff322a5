# Reference values for the design modules. Rscript make.R, in this folder. Package rpact (LGPL-3), from Debian: r-cran-rpact.
suppressMessages({library(rpact); library(jsonlite)})
keep <- function(x, names) setNames(lapply(names, function(n) as.vector(x[[n]])), names)

# Group-sequential designs. Ours is one-sided always; rpact's two-sided alpha is twice ours.
sequential <- function(name, ..., sided = 1, alpha = 0.025) {
  d <- getDesignGroupSequential(..., sided = sided, alpha = alpha * sided, tolerance = 1e-10)
  ch <- getDesignCharacteristics(d)
  c(list(name = name, kMax = d$kMax), keep(d, c("informationRates", "criticalValues", "futilityBounds", "alphaSpent", "betaSpent", "stageLevels")),
    list(alpha = alpha, beta = d$beta, shift = ch$shift, inflation = ch$inflationFactor, nFixed = ch$nFixed, reject = ch$rejectionProbabilities,
         futile = ch$futilityProbabilities, asn1 = ch$averageSampleNumber1, asn01 = ch$averageSampleNumber01, asn0 = ch$averageSampleNumber0))
}
eq <- function(k) (1:k) / k
designs <- list(
  sequential("obrien-fleming-spending", informationRates = eq(3), typeOfDesign = "asOF", beta = 0.2),
  sequential("obrien-fleming-spending-5", informationRates = c(0.1, 0.3, 0.55, 0.8, 1), typeOfDesign = "asOF", beta = 0.1),
  sequential("pocock-spending", informationRates = eq(4), typeOfDesign = "asP", beta = 0.1),
  sequential("hsd", informationRates = c(0.2, 0.4, 1), typeOfDesign = "asHSD", gammaA = -3, beta = 0.14, alpha = 0.03),
  sequential("power", informationRates = c(0.3, 0.7, 1), typeOfDesign = "asKD", gammaA = 2.2, beta = 0.34, alpha = 0.03),
  sequential("obrien-fleming", informationRates = eq(5), typeOfDesign = "OF", beta = 0.1),
  sequential("pocock", informationRates = eq(5), typeOfDesign = "P", beta = 0.1),
  sequential("wang-tsiatis", informationRates = c(0.25, 0.6, 1), typeOfDesign = "WT", deltaWT = 0.25, beta = 0.2),
  sequential("haybittle-peto", informationRates = eq(4), typeOfDesign = "HP", constantBoundsHP = 3, beta = 0.1),
  sequential("two-sided-obrien-fleming-spending", informationRates = eq(4), typeOfDesign = "asOF", beta = 0.1, sided = 2),
  sequential("two-sided-pocock", informationRates = eq(5), typeOfDesign = "P", beta = 0.1, sided = 2),
  sequential("binding-hsd", informationRates = c(0.2, 0.4, 1), typeOfDesign = "asHSD", gammaA = -1, typeBetaSpending = "bsHSD", gammaB = -2,
             bindingFutility = TRUE, alpha = 0.07, beta = 0.14),
  sequential("nonbinding-of", informationRates = eq(3), typeOfDesign = "asOF", typeBetaSpending = "bsOF", bindingFutility = FALSE, beta = 0.2),
  sequential("fixed-futility", informationRates = eq(3), typeOfDesign = "asOF", futilityBounds = c(-0.5, 0.5), bindingFutility = FALSE, beta = 0.2))

# Trials in calendar time.
size <- function(name, ...) {
  x <- getSampleSizeSurvival(...)
  c(list(name = name), keep(x, c("eventsFixed", "nFixed", "maxNumberOfEvents", "maxNumberOfSubjects", "analysisTime", "eventsPerStage",
    "expectedEventsH0", "expectedEventsH01", "expectedEventsH1", "criticalValuesEffectScale", "hazardRatio")))
}
of3 <- getDesignGroupSequential(informationRates = eq(3), typeOfDesign = "asOF", alpha = 0.025, beta = 0.2, tolerance = 1e-10)
sizes <- list(
  size("plain", hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12, alpha = 0.025, beta = 0.2),
  size("freedman", hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12, alpha = 0.025, beta = 0.2, typeOfComputation = "Freedman"),
  size("dropout-2to1", hazardRatio = 0.7, lambda2 = log(2) / 9, accrualTime = c(0, 18), followUpTime = 6, alpha = 0.025, beta = 0.1,
       dropoutRate1 = 0.05, dropoutRate2 = 0.08, dropoutTime = 12, allocationRatioPlanned = 2),
  size("freedman-2to1", hazardRatio = 0.7, lambda2 = log(2) / 9, accrualTime = c(0, 18), followUpTime = 6, alpha = 0.025, beta = 0.1,
       allocationRatioPlanned = 2, typeOfComputation = "Freedman"),
  size("piecewise", hazardRatio = 0.6, piecewiseSurvivalTime = c(0, 6, 15), lambda2 = c(0.08, 0.04, 0.02), accrualTime = c(0, 6, 20),
       accrualIntensity = c(0.3, 0.7), followUpTime = 10, alpha = 0.05, beta = 0.2, dropoutRate1 = 0.1, dropoutRate2 = 0.1, dropoutTime = 24),
  size("sequential", design = of3, hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12))

p <- function(t, ...) { x <- getEventProbabilities(t, maxNumberOfSubjects = 960, ...)
  list(time = t, overall = x$overallEventProbabilities, one = x$eventProbabilities1, two = x$eventProbabilities2) }
times <- c(1, 5, 12, 13.5, 24, 60)
probabilities <- list(
  plain = p(times, accrualTime = c(0, 12), lambda2 = log(2) / 12, hazardRatio = 0.5),
  piecewise = p(times, accrualTime = c(0, 6, 20), accrualIntensity = c(20, 60), piecewiseSurvivalTime = c(0, 6, 15), lambda2 = c(0.08, 0.04, 0.02),
                hazardRatio = 0.6, dropoutRate1 = 0.1, dropoutRate2 = 0.2, dropoutTime = 24, allocationRatioPlanned = 1.5))

# An analysis on the way: log-rank statistics at two looks of a three-look design.
data <- getDataset(cumulativeEvents = c(22, 44), cumulativeLogRanks = c(1.2, 2.1), cumulativeAllocationRatios = c(1, 1))
late <- getDataset(cumulativeEvents = c(22, 44, 66), cumulativeLogRanks = c(1.2, 2.1, 2.3), cumulativeAllocationRatios = c(1, 1, 1))
monitor <- function(d) suppressWarnings(suppressMessages({
  a <- getAnalysisResults(d, data, nPlanned = 22, thetaH1 = 1 / 0.5, directionUpper = TRUE, stage = 2, maxInformation = 66)
  r <- getRepeatedConfidenceIntervals(d, data, stage = 2, directionUpper = TRUE)
  st <- getStageResults(d, data, stage = 2, directionUpper = TRUE)
  cp <- getConditionalPower(st, nPlanned = 22, thetaH1 = 2, allocationRatioPlanned = 1)
  list(events = c(22, 44, 66), z = c(1.2, 2.1, 2.3), repeated = unname(r[, 1:2]), conditional = cp$conditionalPower) }))
f <- suppressWarnings(suppressMessages(getFinalConfidenceInterval(of3, late, directionUpper = TRUE)))
fp <- suppressWarnings(suppressMessages(getFinalPValue(getStageResults(of3, late, directionUpper = TRUE))))
monitoring <- c(monitor(of3), list(final = f$finalConfidenceInterval, median = f$medianUnbiased, final_stage = f$finalStage, final_p = fp$pFinal))

# The piecewise trial by R's own quadrature: rpact's ends in the seventh digit there.
integral <- function(t, ratio, share, rate = function(u) ifelse(u < 6, 20, 60), end = 20) {
  cuts <- c(0, 6, 15); lam <- c(0.08, 0.04, 0.02) * ratio; eta <- -log(1 - share) / 24
  seen <- function(x) sapply(x, function(x) { k <- pmax(0, pmin(x, c(cuts[-1], Inf)) - cuts); s0 <- cumsum(c(0, ((lam + eta) * k)[-3]))
    sum(exp(-s0) * lam / (lam + eta) * -expm1(-(lam + eta) * k)) })
  b <- sort(unique(c(0, pmin(c(6, end, t - cuts), t)))); b <- b[b >= 0 & b <= min(end, t)]; b <- unique(c(b, min(end, t)))
  sum(sapply(seq_len(length(b) - 1), function(i) integrate(function(u) rate(u) * seen(t - u), b[i], b[i + 1], rel.tol = 1e-13)$value))
}
quadrature <- list(time = times, one = sapply(times, integral, ratio = 0.6, share = 0.1), two = sapply(times, integral, ratio = 1, share = 0.2))

# Lakatos's sums as SAS/STAT's manual states them ("Rank Tests for Two Survival Curves", PROC POWER), in R.
lakatos <- function(h, loss, w, accrual, followup, b, alpha = 0.025, power = 0.8) {
  n <- w; num <- den <- events <- 0
  for (i in seq_len(floor((accrual + followup) * b + 1e-9)) - 1) { t <- i / b; hz <- c(h[[1]](t), h[[2]](t))
    d <- sum(n * hz) / b; theta <- hz[2] / hz[1]; phi <- n[2] / n[1]
    num <- num + d * (phi * theta / (1 + phi * theta) - phi / (1 + phi)); den <- den + d * phi / (1 + phi)^2; events <- events + d
    n <- n * (1 - hz / b - loss / b - if (t > followup) 1 / (b * (accrual + followup - t)) else 0) }
  size <- (qnorm(1 - alpha) + qnorm(power))^2 * den / num^2
  list(subjects = size, events = size * events)
}
# The manual's example "Comparing Two Survival Curves": a piecewise linear curve through these points against median 5.
points <- c(1, 0.95, 0.9, 0.75, 0.7, 0.6)
proposed <- function(t) { k <- min(floor(t + 1e-9), 4); (points[k + 1] - points[k + 2]) / (points[k + 1] + (points[k + 2] - points[k + 1]) * (t - k)) }
standard <- function(t) log(2) / 5
curve <- function(loss) lakatos(list(standard, proposed), log(2) / c(10, loss), c(0.5, 0.5), 2, 3, 12)
lakatos_values <- list(sas_20 = curve(20), sas_5 = curve(5),
  late = lakatos(list(function(t) 0.06, function(t) if (t < 3) 0.06 else 0.03), c(0.01, 0.01), c(0.5, 0.5), 24, 12, 12),
  unequal = lakatos(list(function(t) log(2) / 9, function(t) 0.7 * log(2) / 9), -log(1 - c(0.08, 0.05)) / 12, c(1, 2) / 3, 18, 6, 12, power = 0.9))

# Stopping probabilities of three looks by the trivariate normal distribution (mvtnorm, algorithm TVPACK, near machine precision).
suppressMessages(library(mvtnorm))
exact <- function(t, upper, lower, drift) {
  s <- outer(t, t, function(a, b) sqrt(pmin(a, b) / pmax(a, b))); m <- drift * sqrt(t)
  p <- function(lo, hi) { k <- length(lo); if (k == 1) return(pnorm(hi - m[1]) - pnorm(lo - m[1]))
    box <- function(v) { f <- which(v < Inf); if (length(f) == 1) return(pnorm(v[f] - m[f]))
      as.numeric(pmvnorm(upper = v[f], mean = m[f], corr = s[f, f], algorithm = TVPACK(abseps = 1e-14))) }
    # by corners, since TVPACK takes no boxes
    corners <- expand.grid(rep(list(0:1), k)); sum(apply(corners, 1, function(c) { v <- ifelse(c == 1, lo, hi)
      if (any(v == -Inf)) 0 else (-1)^sum(c) * (if (all(v == Inf)) 1 else box(v)) })) }
  up <- c(p(upper[1], Inf), p(c(lower[1], upper[2]), c(upper[1], Inf)), p(c(lower[1:2], upper[3]), c(upper[1:2], Inf)))
  down <- c(p(-Inf, lower[1]), p(c(lower[1], -Inf), c(upper[1], lower[2])), p(c(lower[1:2], -Inf), c(upper[1:2], lower[3])))
  list(information = t, upper = upper, lower = lower, drift = drift, up = up, down = down)
}
exacts <- list(
  exact(c(0.3, 0.7, 1), c(3, 2.4, 2), c(-0.5, 0.7, 2), 0), exact(c(0.3, 0.7, 1), c(3, 2.4, 2), c(-0.5, 0.7, 2), 3.1),
  exact(c(0.5, 0.9, 1), c(2.2, 2.2, 2.2), c(-2.2, -2.2, -2.2), 1), exact(c(0.2, 0.21, 1), c(2.5, 2.4, 2), c(-1, -1, 2), 2.5))

writeLines(toJSON(list(lakatos = lakatos_values, exact = exacts, quadrature = quadrature, designs = designs, sizes = sizes, probabilities = probabilities, monitoring = monitoring), digits = NA, auto_unbox = TRUE), "rpact.json")
