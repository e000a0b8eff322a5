# What `power-against-r.sh` asks R: a loop of survdiff over simulated trials, and the exact distribution of a small log-rank test.
#   Rscript scripts/power-against-r.R loop N                    prints: trials, seconds, seconds of processor, trials significant for either arm at 5 %
#   Rscript scripts/power-against-r.R exact N_PER_ARM RATIO     prints: P(z <= -1.96..), P(z >= 1.96..)
suppressPackageStartupMessages(library(survival))
args <- commandArgs(TRUE)

loop <- function(n) {
  set.seed(1)
  arm <- rep(0:1, each = 37)
  rate <- log(2) / 5.2 * c(1, 0.5)[arm + 1]
  event <- rep(1, 74)
  bound <- qchisq(0.95, 1)
  started <- proc.time()
  significant <- 0
  for (i in seq_len(n)) {
    significant <- significant + (survdiff(Surv(rexp(74, rate), event) ~ arm)$chisq >= bound)
  }
  took <- proc.time() - started
  cat(n, took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], significant, "\n")
}

# Every order of the events of two arms without censoring, each with its probability under proportional hazards (Lehmann 1953).
exact <- function(per_arm, ratio) {
  bound <- qnorm(0.975)
  sums <- c(0, 0)
  walk <- function(first, second, difference, variance, probability) {
    if (first + second == 0) {
      z <- difference / sqrt(variance)
      sums <<- sums + probability * c(z <= -bound, z >= bound)
      return(invisible())
    }
    share <- second / (first + second)
    of_second <- ratio * second / (first + ratio * second)
    variance <- variance + share * (1 - share)
    if (second > 0) walk(first, second - 1, difference + 1 - share, variance, probability * of_second)
    if (first > 0) walk(first - 1, second, difference - share, variance, probability * (1 - of_second))
  }
  walk(per_arm, per_arm, 0, 0, 1)
  cat(format(sums, digits = 12), "\n")
}

if (args[1] == "loop") loop(as.integer(args[2])) else exact(as.integer(args[2]), as.numeric(args[3]))
