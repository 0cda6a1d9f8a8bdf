-- May a request leave for Videsk now? One decision for all processes, on Redis's own clock.
--
-- KEYS  1 places: when the requests of the last window left (list, oldest first)
--       2 state: hold, open, failures, next_read (hash)
-- ARGV  1 is it a write?  2 limit: places in a window  3 reserve: places that reads leave to writes
--       4 window  5 patience: the longest wait it accepts  6 does it come back at its time?
--       7 trial: the pause between two trials of an open circuit  8 now (tests; else Redis's clock)
-- All times in microseconds. Answers {what, wait, failures}.
--
-- The law: of any `limit` + 1 requests that left, the last left at least a window after the first.
-- Reads are paced, so that they do not reach Videsk in bursts; they are told their time when they
-- first ask, and come back then. A write goes wherever there is room, also where reads may not.
local GO, WAIT, FULL, OPEN = 0, 1, 2, 3
local places, state = KEYS[1], KEYS[2]
local is_write, limit, reserve = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local window, patience = tonumber(ARGV[4]), tonumber(ARGV[5])
local comes_back, trial = ARGV[6] == '1', tonumber(ARGV[7])

local time = redis.call('TIME')
local now = tonumber(ARGV[8]) or time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

local known = redis.call('HMGET', state, 'hold', 'open', 'failures', 'next_read')
local hold, open = tonumber(known[1] or 0), tonumber(known[2] or 0)
local failures, next_read = tonumber(known[3] or 0), tonumber(known[4] or 0)

if hold > now then comes_back = false end  -- its time has passed in vain: it is told another
if open > now then return {OPEN, text(open - now), failures} end

local oldest = redis.call('LINDEX', places, 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', places)
    oldest = redis.call('LINDEX', places, 0)
end

local room = limit
if not is_write then room = limit - reserve end
local at = math.max(now, hold)
local taken = redis.call('LLEN', places)
if taken >= room then
    at = math.max(at, tonumber(redis.call('LINDEX', places, taken - room)) + window)
end
if not is_write and not comes_back then
    at = math.max(at, next_read)
end
if at - now > patience then return {FULL, text(at - now), failures} end

if not is_write and not comes_back then
    redis.call('HSET', state, 'next_read', text(math.ceil(at + window / room)))
    redis.call('PEXPIRE', state, 120000)
end
if at > now then return {WAIT, text(at - now), failures} end

redis.call('RPUSH', places, text(now))
redis.call('PEXPIRE', places, math.ceil(window / 1000))
if open > 0 then
    redis.call('HSET', state, 'open', text(now + trial))  -- this one is the trial
    redis.call('PEXPIRE', state, 120000)
end
return {GO, '0', failures}
