-- Request the lines of a file in turn (a path and an optional ETag), and print the results as JSON.
-- Further arguments are headers: `Name: value`.

local requests, turn = {}, 0

local function headers_with(etag)
  local headers = {}
  for name, value in pairs(wrk.headers) do headers[name] = value end
  if etag ~= "" then headers["If-None-Match"] = etag end
  return headers
end

function init(args)
  for number = 2, #args do
    local name, value = args[number]:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for line in io.lines(args[1]) do
    local path, etag = line:match("^(%S+) ?(.*)$")
    requests[#requests + 1] = wrk.format("GET", path, headers_with(etag))
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
