-- What came of a request, for acquire.lua. A failure is no answer or a 5xx; five in a row open the
-- circuit, one answer closes it.
--
-- KEYS  1 state: hold, pause, open, failures (hash)
-- ARGV  1 success, failure or hold  2 how long to hold everybody  3 how many failures open the
--       circuit  4 trial  5 now (tests; else Redis's clock). All times in microseconds.
local state, what = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = tonumber(ARGV[5]) or time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

if what == 'success' then
    redis.call('HDEL', state, 'failures', 'open')
elseif what == 'failure' then
    local failures = redis.call('HINCRBY', state, 'failures', 1)
    local open = tonumber(redis.call('HGET', state, 'open') or 0)
    if failures >= tonumber(ARGV[3]) and open <= now then
        redis.call('HSET', state, 'open', text(now + tonumber(ARGV[4])))
    end
elseif what == 'hold' then
    local hold = tonumber(redis.call('HGET', state, 'hold') or 0)
    if now + tonumber(ARGV[2]) > hold then
        redis.call('HSET', state, 'hold', text(now + tonumber(ARGV[2])), 'pause', ARGV[2])
    end
end
redis.call('PEXPIRE', state, 120000)
