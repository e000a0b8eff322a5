# Recomputes the hazard ratio, its limits and p-value, and the log-rank test of every analysis of a report with R's survival package,
# from the exported ADTTE alone (XPT by haven, or CSV), and fails where one differs by more than 1e-8 relative.
#   Rscript scripts/exchange/hazard-ratio-against-r.R REPORT_DIRECTORY ADTTE_FILE
suppressMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)
read <- function(name) read.csv(file.path(args[1], "tables", paste0(name, ".csv")), na.strings = "")
comparisons <- read("comparisons"); analyses <- read("analyses")
adtte <- if (grepl("\\.xpt$", args[2])) as.data.frame(haven::read_xpt(args[2])) else read.csv(args[2], na.strings = "")
tolerance <- 1e-8; worst <- 0; compared <- 0
check <- function(what, ours, r) {
  off <- abs(ours - r) / max(abs(r), 1e-300)
  if (is.na(off) || off > tolerance) stop(sprintf("%s: the report says %.15g, R says %.15g", what, ours, r))
  worst <<- max(worst, off); compared <<- compared + 1
}
# Newton's method until nothing changes any more: R stops at 1e-9 of the log likelihood, and that is not yet 1e-8 of the ratio.
control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
reads <- function(row, analysis) analysis %in% strsplit(row, " ")[[1]]
for (i in seq_len(nrow(comparisons))) {
  c <- comparisons[i, ]
  if (c$ARMCD == "ALL" || is.na(c$HR)) next
  a <- analyses[analyses$ANALYSIS == c$ANALYSIS, ]
  label <- function(arm) a$ARM[a$ARMCD == arm][1]
  mine <- vapply(as.character(adtte$ANALYSES), reads, logical(1), analysis = c$ANALYSIS)
  d <- adtte[mine & adtte$TRTP %in% c(label(c$ARMCD), label(c$CONTROL)), ]
  d$x <- as.integer(d$TRTP == label(c$ARMCD)); d$event <- 1 - d$CNSR
  d$s <- if (a$STRATIFIED[1] == "Y") d$STRATAR else "all"
  fit <- coxph(Surv(AVAL, event) ~ x + strata(s), data = d, ties = tolower(a$TIES[1]), control = control)
  limits <- summary(fit, conf.int = a$CONFIDENCE[1])$conf.int
  check(paste(c$ANALYSIS, "hazard ratio"), c$HR, exp(coef(fit)[[1]]))
  check(paste(c$ANALYSIS, "lower limit"), c$HR_LCL, limits[1, 3])
  check(paste(c$ANALYSIS, "upper limit"), c$HR_UCL, limits[1, 4])
  check(paste(c$ANALYSIS, "Wald p"), c$WALD_P, summary(fit)$coefficients[1, 5])
  test <- if (length(unique(d$s)) > 1) survdiff(Surv(AVAL, event) ~ x + strata(s), data = d) else survdiff(Surv(AVAL, event) ~ x, data = d)
  check(paste(c$ANALYSIS, "log-rank"), c$LOGRANK_CHISQ, test$chisq)
  check(paste(c$ANALYSIS, "log-rank p"), c$LOGRANK_P, pchisq(test$chisq, 1, lower.tail = FALSE))
}
cat(sprintf("%d numbers recomputed in R %s from %s; largest relative difference %.2g\n", compared, getRversion(), basename(args[2]), worst))
if (compared < 20) stop("too few numbers were compared")
