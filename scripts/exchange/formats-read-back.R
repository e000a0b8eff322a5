# Reads every XPT of an export with haven and compares it with the Dataset-JSON of the same data set: values, names, labels, formats.
suppressMessages({ library(haven); library(jsonlite) })
dir <- commandArgs(trailingOnly = TRUE)[[1]]
files <- function(end) {
  found <- list.files(dir, pattern = paste0("\\.", end, "$"), recursive = TRUE, full.names = TRUE)
  setNames(found, sub("\\.[^.]*$", "", basename(found)))
}
wrong <- character()
differs <- function(...) wrong <<- c(wrong, paste0(...))
xpt <- files("xpt"); json <- files("json")
sets <- 0; cells <- 0
for (stem in intersect(names(xpt), names(json))) {
  data <- fromJSON(json[[stem]], simplifyVector = FALSE)
  d <- read_xpt(xpt[[stem]])
  sets <- sets + 1
  want <- vapply(data$columns, function(c) c$name, "")
  if (!identical(names(d), want)) differs(stem, ": names differ")
  if (!identical(attr(d, "label"), if (nzchar(data$label)) data$label else NULL)) differs(stem, ": label ", attr(d, "label"))
  if (nrow(d) != length(data$rows)) { differs(stem, ": ", nrow(d), " rows"); next }
  for (i in seq_along(want)) {
    column <- data$columns[[i]]; x <- d[[i]]
    label <- attr(x, "label"); if (is.null(label)) label <- ""
    if (label != column$label) differs(stem, ".", want[i], ": label ", label)
    format <- attr(x, "format.sas"); if (is.null(format)) format <- ""
    shown <- if (is.null(column$displayFormat)) "" else column$displayFormat
    if (sub("\\.$", "", format) != sub("\\.$", "", shown)) differs(stem, ".", want[i], ": format ", format, " for ", shown)
    raw <- lapply(data$rows, function(r) r[[i]])
    none <- vapply(raw, is.null, TRUE)
    target <- identical(column$targetDataType, "integer")
    if (target && column$dataType == "date") {
      right <- rep(NA_real_, length(raw)); right[!none] <- as.numeric(as.Date(unlist(raw)))
      same <- if (inherits(x, "Date")) as.numeric(x) == right else as.numeric(x) - 3653 == right
    } else if (target) {
      right <- rep(NA_real_, length(raw)); right[!none] <- as.numeric(as.POSIXct(unlist(raw), format = "%Y-%m-%dT%H:%M:%S", tz = "UTC"))
      same <- if (inherits(x, "POSIXct")) as.numeric(x) == right else as.numeric(x) - 3653 * 86400 == right
    } else if (column$dataType %in% c("integer", "float", "double")) {
      right <- rep(NA_real_, length(raw)); right[!none] <- as.numeric(unlist(raw))
      same <- as.numeric(x) == right
    } else {
      right <- rep("", length(raw)); right[!none] <- unlist(raw)
      same <- as.character(x) == right
      none <- rep(FALSE, length(raw))
    }
    bad <- which(ifelse(none, !is.na(x), is.na(same) | !same))
    for (row in head(bad, 3)) differs(stem, ".", want[i], " row ", row, ": ", format(x[row], digits = 17), " for ", format(right[row], digits = 17))
    cells <- cells + length(raw)
  }
}
cat(sprintf("XPT by haven %s: %d data sets, %d values read\n", packageVersion("haven"), sets, cells))
if (length(wrong)) cat(head(wrong, 50), sep = "\n")
cat(length(wrong), "differences\n")
quit(status = if (length(wrong) || sets == 0) 1 else 0)
