-- Report an outcome to the circuit breaker, or pause all requests. A failure is a 5xx or no
-- response. Consecutive failures open the circuit, any other response closes it.
--
-- KEYS  1 state: hold, pause, open, failures (hash; see acquire.lua)
-- ARGV  1 success, failure or hold  2 length of the hold  3 failures that open the circuit
--       4 probe_interval  5 now (tests; else Redis's clock). All times in microseconds.
local state, event = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = tonumber(ARGV[5]) or time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

if event == 'success' then
    redis.call('HDEL', state, 'failures', 'open')
elseif event == 'failure' then
    local failures = redis.call('HINCRBY', state, 'failures', 1)
    local open_until = tonumber(redis.call('HGET', state, 'open') or 0)
    if failures >= tonumber(ARGV[3]) and open_until <= now then
        redis.call('HSET', state, 'open', text(now + tonumber(ARGV[4])))
    end
elseif event == 'hold' then
    local paused_until = tonumber(redis.call('HGET', state, 'hold') or 0)
    if now + tonumber(ARGV[2]) > paused_until then
        redis.call('HSET', state, 'hold', text(now + tonumber(ARGV[2])), 'pause', ARGV[2])
    end
end
redis.call('PEXPIRE', state, 120000)
