# Writes haven.xpt: a data set with labels, formats, missing values, dates and awkward numbers, as R's haven means them.
library(haven)
d <- data.frame(
  USUBJID = c("01-001", "01-002", "01-003"),
  AVAL = c(0.1, -118.625, NA),
  BIG = c(1e74, 1e-78, 123456789.123),
  SEQ = c(1L, NA, 3L),
  ADT = as.Date(c("2026-11-24", NA, "1959-12-31")),
  ADTM = as.POSIXct(c("2026-11-24 14:05:59", "1960-01-01 00:00:00", NA), tz = "UTC"),
  TERM = c("Nausea, \"mild\"", "", "x")
)
labels <- c("Unique Subject Identifier", "Analysis Value", "Sizes", "Sequence", "Analysis Date", "Analysis Date/Time", "Term")
for (i in seq_along(d)) attr(d[[i]], "label") <- labels[[i]]
attr(d$AVAL, "format.sas") <- "8.3"
attr(d$TERM, "format.sas") <- "$20"
write_xpt(d, "haven.xpt", version = 5, name = "ADX", label = "Written by haven")
