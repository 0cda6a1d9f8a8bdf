-- May a request leave for Videsk now? One decision for all processes, on Redis's own clock.
--
-- KEYS  1 places: when the requests of the last window left (list, oldest first)
--       2 state: hold, pause, open, failures, next_read, round, turns, seq (hash)
--       3 queue: the waiting reads, by round and then by seq (sorted set of "seq:client:what")
--       4 deadlines: until when each waiting read must ask again (sorted set of the same members)
--       5 rounds: the last round that each client has joined, unless it is over (sorted set)
-- ARGV  1 is it a write?  2 limit: places in a window  3 reserve: places that reads leave to writes
--       4 window  5 patience: the longest wait it accepts  6 trial: the pause between two trials of
--       an open circuit  7 heartbeat  8 grace  9 turns in a round  10 client: a hash of its address
--       11 what is read  12 round, 13 seq: the ticket of a read that has waited, else ''
--       14 now (tests; else Redis's clock)
-- All times in microseconds. Returns {verdict, wait, round, seq}.
--
-- The law: of any `limit` + 1 requests that left, the last left at least a window after the first.
-- A write goes wherever there is room, also where reads may not.
--
-- Reads are paced, so that they do not reach Videsk in bursts, and take turns by client: a client's
-- next read joins the round after its last one. A waiting read asks again when its turn is due, and
-- at each heartbeat. One that fails to is dropped, but may join again with its ticket.
local GO, WAIT, FULL, OPEN = 0, 1, 2, 3
local places, state, queue, deadlines, rounds = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local is_write, limit, reserve = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local window, patience, trial = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local heartbeat, grace, turns_in_round = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local client, what = ARGV[10], ARGV[11]
local ticket_round, ticket_seq = tonumber(ARGV[12]), tonumber(ARGV[13])

local time = redis.call('TIME')
local now = tonumber(ARGV[14]) or time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function save(...)
    redis.call('HSET', state, ...)
    redis.call('PEXPIRE', state, 120000)
end
local function drop(member)  -- its client may join the round that it has missed
    redis.call('ZREM', queue, member)
    redis.call('ZREM', deadlines, member)
    redis.call('ZADD', rounds, 'XX', 'INCR', -1, string.match(member, ':([^:]*):'))
end

local known = redis.call(
    'HMGET', state, 'hold', 'pause', 'open', 'next_read', 'round', 'turns', 'seq')
known[2] = known[2] or 60000000  -- of a hold that an earlier release has noted: the longest
for index = 1, 7 do known[index] = tonumber(known[index] or 0) end
local hold, pause, open, next_read, round, turns, seq = unpack(known)
local pace = math.ceil(window / (limit - reserve))

-- Redis's clock may step back: what lies farther ahead than is possible is taken to begin now.
if hold > now + pause or open > now + trial or next_read > now + pace then
    hold, open = math.min(hold, now + pause), math.min(open, now + trial)
    next_read = math.min(next_read, now + pace)
    save('hold', text(hold), 'open', text(open), 'next_read', text(next_read))
end
local index = -1
local newest = redis.call('LINDEX', places, index)
while newest and tonumber(newest) > now do
    redis.call('LSET', places, index, text(now))
    index = index - 1
    newest = redis.call('LINDEX', places, index)
end
local late = redis.call('ZRANGEBYSCORE', deadlines, '-inf', text(now))
for _, member in ipairs(late) do drop(member) end
local impossible = '(' .. text(now + heartbeat + grace)
for _, member in ipairs(redis.call('ZRANGEBYSCORE', deadlines, impossible, '+inf')) do
    drop(member)
end

if open > now then return {OPEN, text(open - now), '', ''} end

local oldest = redis.call('LINDEX', places, 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', places)
    oldest = redis.call('LINDEX', places, 0)
end

local member, last, joins, has_waited, before = nil, nil, false, false, 0
if not is_write then
    last = tonumber(redis.call('ZSCORE', rounds, client) or round - 1)
    local next_round = math.max(round, last + 1)
    has_waited = ticket_seq ~= nil
    if not has_waited then ticket_round, ticket_seq = next_round, seq + 1 end
    member = string.format('%016.0f:%s:%s', ticket_seq, client, what)
    local queued = redis.call('ZSCORE', queue, member)
    joins = not queued
    ticket_round = tonumber(queued or math.min(ticket_round, next_round))
    if joins then redis.call('ZADD', queue, text(ticket_round), member) end
    before = redis.call('ZRANK', queue, member)
end

local room = is_write and limit or limit - reserve
local at = math.max(now, hold)
if not is_write then at = math.max(now, math.max(hold, next_read) + before * pace) end
local taken = redis.call('LLEN', places)
local awaited = taken - room + before  -- the place that has to be free again, or one not taken yet
if taken > 0 and awaited >= 0 then
    local known_place = tonumber(redis.call('LINDEX', places, math.min(awaited, taken - 1)))
    local more = math.max(0, awaited - taken + 1)
    at = math.max(at, known_place + window + more * math.ceil(window / room))
end

if at - now > patience then
    if joins then
        redis.call('ZREM', queue, member)
    elseif not is_write then
        drop(member)
    end
    return {FULL, text(at - now), '', ''}
end
if joins then
    redis.call('ZADD', rounds, text(math.max(last, ticket_round)), client)
    redis.call('PEXPIRE', rounds, 120000)
    save('seq', text(math.max(seq, ticket_seq)))
end
if at > now then
    if is_write then return {WAIT, text(at - now), '', ''} end
    redis.call('ZADD', deadlines, text(now + math.min(at - now, heartbeat) + grace), member)
    if joins then
        redis.call('PEXPIRE', queue, 120000)
        redis.call('PEXPIRE', deadlines, 120000)
    end
    return {WAIT, text(at - now), text(ticket_round), text(ticket_seq)}
end

redis.call('RPUSH', places, text(now))
redis.call('PEXPIRE', places, math.ceil(window / 1000))
if open > 0 then save('open', text(now + trial)) end  -- this one is the trial
if not is_write then
    redis.call('ZREM', queue, member)
    redis.call('ZREM', deadlines, member)
    local due = now
    -- One that came late, but within its grace, delays none of those after it.
    if has_waited then due = math.max(hold, next_read, now - grace) end
    if ticket_round > round then round, turns = ticket_round, 0 end
    if ticket_round == round then turns = turns + 1 end
    if turns >= turns_in_round then round, turns = round + 1, 0 end
    redis.call('ZREMRANGEBYSCORE', rounds, '-inf', '(' .. text(round))
    save('next_read', text(due + pace), 'round', text(round), 'turns', text(turns))
end
return {GO, '0', '', ''}
