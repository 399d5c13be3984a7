-- Prints what wrk measured as one line of JSON: requests a second, milliseconds, and answers that were none.
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local rate = summary.requests / summary.duration * 1e6
  io.write(string.format('{"rate":%f,"p99":%f,"failed":%d}\n', rate, latency:percentile(99) / 1000, failed))
end
