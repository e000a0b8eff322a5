# R's values for docs/survival-guide.md. In this folder:
#   cargo run -q -p survival --example guide -- calls | Rscript make.R
suppressMessages({library(survival); library(rpact); library(jsonlite)})
lung <- read.csv("../golden/lung.csv")
competing <- read.csv("../golden/competing_ties.csv")
calls <- readLines(file("stdin"))
# survdiff gives no p-value in this version.
survdiff <- function(...) { x <- survival::survdiff(...); x$pvalue <- pchisq(x$chisq, length(x$n) - 1, lower.tail = FALSE); x }
value <- function(call) as.vector(suppressWarnings(eval(parse(text = call))))
write(toJSON(setNames(lapply(calls, value), calls), digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE), "r.json")
