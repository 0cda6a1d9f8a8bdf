-- Requests the lines of a file in turn, each a path and perhaps an ETag; prints what was met as JSON.

local requests, turn = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, etag = line:match("^(%S+) ?(.*)$")
    requests[#requests + 1] = wrk.format("GET", path, etag ~= "" and { ["If-None-Match"] = etag } or {})
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n[%d, %d, %d, %d, %f, %f]\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99)))
end
