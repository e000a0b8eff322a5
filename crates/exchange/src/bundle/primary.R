# {{TRIAL}}: the primary analysis again, in R with the package survival, from the analysis data set alone.
#
#   Rscript primary.R
#
# Prints each number as R computes it beside the one Trialwright printed (results/primary.csv), and their relative difference;
# ends with status 1 where two differ by more than the tolerance. Reads csv/adam/adtte.csv; with the package haven installed it
# reads xpt/adam/adtte.xpt as well and holds the two files against each other.
{{REMARKS}}
suppressMessages(library(survival))

here <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
if (length(here) == 1) setwd(dirname(here))

# What the protocol says.
parameter <- {{PARAMCD}}     # PARAMCD of ADTTE
arms <- {{ARMS_R}}     # in the protocol's order: TRTPN of ADTTE is the place
control <- {{CONTROL}}
stratified <- {{STRATIFIED_R}}     # by STRATAR: the levels the subject was randomised in
ties <- {{TIES_LOWER}}     # of the Cox model
confidence <- {{CONFIDENCE}}
month <- {{DAYS_PER_MONTH}}     # days
tolerance <- 1e-6     # relative

adtte <- read.csv("csv/adam/adtte.csv", na.strings = "", colClasses = c(STRATAR = "character"))
if (requireNamespace("haven", quietly = TRUE)) {
  xpt <- as.data.frame(haven::read_xpt("xpt/adam/adtte.xpt"))
  stopifnot(identical(as.numeric(xpt$AVAL), as.numeric(adtte$AVAL)), all(xpt$CNSR == adtte$CNSR), all(xpt$PARAMCD == adtte$PARAMCD))
}
d <- adtte[adtte$PARAMCD == parameter, ]
d$arm <- arms[d$TRTPN]
d$event <- 1 - d$CNSR
d$stratum <- if (stratified) d$STRATAR else "all"

found <- list()
keep <- function(number, arm, versus, value) found[[paste(number, arm, versus)]] <<- unname(value)

# Newton's method until nothing changes any more: R stops at 1e-9 of the log likelihood.
until <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
log_rank <- function(d) {
  by <- if (length(unique(d$stratum)) > 1) Surv(AVAL, event) ~ arm + strata(stratum) else Surv(AVAL, event) ~ arm
  survdiff(by, data = d)
}

# Each arm: median with log(-log) limits, and the mean time up to tau, the last time of the arm whose data end first.
tau <- min(tapply(d$AVAL, d$arm, max))
z <- qnorm(1 - (1 - confidence) / 2)
means <- list()
for (arm in arms[arms %in% d$arm]) {
  of <- d[d$arm == arm, ]
  curve <- survfit(Surv(AVAL, event) ~ 1, data = of, conf.type = "log-log", conf.int = confidence)
  keep("n", arm, "", nrow(of))
  keep("events", arm, "", sum(of$event))
  median <- quantile(curve, 0.5)
  keep("median_months", arm, "", median$quantile / month)
  keep("median_months_lower", arm, "", median$lower / month)
  keep("median_months_upper", arm, "", median$upper / month)
  table <- summary(curve, rmean = tau)$table
  means[[arm]] <- table[grep("rmean", names(table))] / month     # the mean and its standard error
  keep("rmst_months", arm, "", means[[arm]][1])
  keep("rmst_months_lower", arm, "", means[[arm]][1] - z * means[[arm]][2])
  keep("rmst_months_upper", arm, "", means[[arm]][1] + z * means[[arm]][2])
}

# Each arm against control: hazard ratio, log-rank test, difference of the means.
for (arm in setdiff(arms[arms %in% d$arm], control)) {
  pair <- d[d$arm %in% c(arm, control), ]
  pair$x <- as.integer(pair$arm == arm)
  model <- tryCatch(
    coxph({{COX_FORMULA_R}}, data = pair, ties = ties, control = until),
    warning = function(w) { message("Cox model: ", conditionMessage(w)); NULL })
  if (!is.null(model)) {
    ratio <- summary(model, conf.int = confidence)
    keep("hazard_ratio", arm, control, ratio$conf.int[1, "exp(coef)"])
    keep("hazard_ratio_lower", arm, control, ratio$conf.int[1, 3])
    keep("hazard_ratio_upper", arm, control, ratio$conf.int[1, 4])
    keep("wald_p", arm, control, ratio$coefficients[1, "Pr(>|z|)"])
  }
  test <- log_rank(pair)
  keep("logrank_chisq", arm, control, test$chisq)
  keep("logrank_p", arm, control, suppressWarnings(pchisq(test$chisq, 1, lower.tail = FALSE)))
  keep("tau_months", arm, control, tau / month)
  difference <- means[[arm]][1] - means[[control]][1]
  error <- sqrt(means[[arm]][2]^2 + means[[control]][2]^2)
  keep("rmst_difference_months", arm, control, difference)
  keep("rmst_difference_months_lower", arm, control, difference - z * error)
  keep("rmst_difference_months_upper", arm, control, difference + z * error)
}
if (length(unique(d$arm)) > 2) {
  test <- log_rank(d)
  keep("logrank_chisq", "ALL", "", test$chisq)
  keep("logrank_p", "ALL", "", pchisq(test$chisq, length(unique(d$arm)) - 1, lower.tail = FALSE))
}

# The two side by side.
said <- read.csv("results/primary.csv", na.strings = "", colClasses = c(ARMCD = "character", CONTROL = "character"))
said$CONTROL[is.na(said$CONTROL)] <- ""
number <- function(x) ifelse(is.na(x), "none", format(x, digits = 12))
cat(sprintf("%-30s %-14s %20s %20s %12s\n", "NUMBER", "ARM", "TRIALWRIGHT", paste("R", getRversion()), "DIFFERENCE"))
wrong <- 0
for (i in seq_len(nrow(said))) {
  s <- said[i, ]
  r <- found[[paste(s$NUMBER, s$ARMCD, s$CONTROL)]]
  if (is.null(r)) r <- NA
  # A limit of a median that is not reached exists in neither; of what Trialwright gives no number, the remarks say why.
  off <- if (is.na(s$VALUE)) NA else abs(s$VALUE - r) / max(abs(s$VALUE), 1e-300)
  if (identical(s$VALUE, 0) && identical(as.numeric(r), 0)) off <- 0
  bad <- if (is.na(s$VALUE)) grepl("^median", s$NUMBER) && !is.na(r) else is.na(off) || off > tolerance
  wrong <- wrong + bad
  cat(sprintf("%-30s %-14s %20s %20s %12s%s\n", s$NUMBER, paste0(s$ARMCD, if (s$CONTROL == "") "" else paste0(" : ", s$CONTROL)),
              number(s$VALUE), number(r), if (is.na(off)) "" else format(off, digits = 2), if (bad) "  DIFFERS" else ""))
}
cat(sprintf("\n%d numbers, %d of them differ by more than %g relative\n", nrow(said), wrong, tolerance))
quit(status = if (wrong > 0 || nrow(said) == 0) 1 else 0)
