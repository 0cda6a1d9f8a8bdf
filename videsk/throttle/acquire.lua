-- Acquire a slot: sliding-window rate limit, fair queue and circuit breaker of all processes, on
-- Redis's clock.
--
-- KEYS  1 slots: when the requests of the last window were sent (list, oldest first)
--       2 state: hold (paused until), pause (its length), open (until), failures, next_read, round,
--         turns, seq (hash)
--       3 queue: the queued reads, by round and then by seq (sorted set of "seq:client:read_key")
--       4 deadlines: by when each queued read must call again (sorted set of the same members)
--       5 rounds: the last round that each client joined, unless it is over (sorted set)
-- ARGV  1 whether it is a write  2 limit: slots in a window  3 reserve: slots for writes only
--       4 window  5 max_wait  6 probe_interval  7 heartbeat  8 grace  9 turns_per_round
--       10 client: a hash of its address  11 read_key: what is read
--       12 round, 13 seq: the ticket of a read that has waited, else ''
--       14 burst: reads of a window that are sent immediately
--       15 moved: the slot of a request that could not be sent then, else ''
--       16 now (tests; else Redis's clock)
-- All times in microseconds. Returns {decision, wait, round, seq}, or {GO, wait, slot}.
--
-- Of any `limit` + 1 requests, the last is sent at least a window after the first. A write may take
-- any free slot.
--
-- The first `burst` reads of a window are sent immediately, unless a pause has just ended. The reads
-- after them are spread over the window, so that slots become free one by one: next_read is when a
-- read is due if reads are sent `pace` apart.
--
-- Reads take turns by client: a client's next read joins the round after its last one. A queued read
-- calls again when its turn is due, and at each heartbeat. One that does not is dropped, but may join
-- again with its ticket.
local GO, WAIT, FULL, OPEN = 0, 1, 2, 3
local slots, state, queue, deadlines, rounds = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local is_write, limit, reserve = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local window, max_wait, probe_interval = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local heartbeat, grace, turns_per_round = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local client, read_key = ARGV[10], ARGV[11]
local ticket_round, ticket_seq = tonumber(ARGV[12]), tonumber(ARGV[13])
local burst, moved = tonumber(ARGV[14]), tonumber(ARGV[15])

local time = redis.call('TIME')
local now = tonumber(ARGV[16]) or time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function save(...)
    redis.call('HSET', state, ...)
    redis.call('PEXPIRE', state, 120000)
end
local function drop(member)  -- its client may join the round in which it had no turn
    redis.call('ZREM', queue, member)
    redis.call('ZREM', deadlines, member)
    redis.call('ZADD', rounds, 'XX', 'INCR', -1, string.match(member, ':([^:]*):'))
end

local fields = redis.call(
    'HMGET', state, 'hold', 'pause', 'open', 'next_read', 'round', 'turns', 'seq')
fields[2] = fields[2] or 60000000  -- a pause stored by an earlier release: the longest
for index = 1, 7 do fields[index] = tonumber(fields[index] or 0) end
local paused_until, pause_length, open_until, next_read, round, turns, seq = unpack(fields)
local pace = math.ceil(window / (limit - reserve))

-- Redis's clock may step back: no time may be farther ahead than it can be.
if paused_until > now + pause_length or open_until > now + probe_interval
    or next_read > now + (burst + 1) * pace then
    paused_until = math.min(paused_until, now + pause_length)
    open_until = math.min(open_until, now + probe_interval)
    next_read = math.min(next_read, now + (burst + 1) * pace)
    save('hold', text(paused_until), 'open', text(open_until), 'next_read', text(next_read))
end
local index = -1
local newest = redis.call('LINDEX', slots, index)
while newest and tonumber(newest) > now do
    redis.call('LSET', slots, index, text(now))
    index = index - 1
    newest = redis.call('LINDEX', slots, index)
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', deadlines, '-inf', text(now))) do
    drop(member)
end
local latest = '(' .. text(now + heartbeat + grace)
for _, member in ipairs(redis.call('ZRANGEBYSCORE', deadlines, latest, '+inf')) do
    drop(member)
end

if moved then
    redis.call('LREM', slots, 1, ARGV[15])
    is_write = true  -- its turn and the circuit were decided when it got that slot
elseif open_until > now then
    return {OPEN, text(open_until - now), '', ''}
end

local oldest = redis.call('LINDEX', slots, 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', slots)
    oldest = redis.call('LINDEX', slots, 0)
end

local member, last, joins, has_waited, before = nil, nil, false, false, 0
if not is_write then
    last = tonumber(redis.call('ZSCORE', rounds, client) or round - 1)
    local next_round = math.max(round, last + 1)
    has_waited = ticket_seq ~= nil
    if not has_waited then ticket_round, ticket_seq = next_round, seq + 1 end
    member = string.format('%016.0f:%s:%s', ticket_seq, client, read_key)
    local queued = redis.call('ZSCORE', queue, member)
    joins = not queued
    ticket_round = tonumber(queued or math.min(ticket_round, next_round))
    if joins then redis.call('ZADD', queue, text(ticket_round), member) end
    before = redis.call('ZRANK', queue, member)
end

local room = is_write and limit or limit - reserve
local ready_at = math.max(now, paused_until)
local taken = redis.call('LLEN', slots)
local is_burst = taken + before < burst and now >= paused_until + window
if not is_write and not is_burst then
    ready_at = math.max(ready_at, next_read + before * pace, paused_until + before * pace)
end
local awaited = taken - room + before  -- index of the slot that must expire first, or is not taken yet
if taken > 0 and awaited >= 0 then
    local sent_at = tonumber(redis.call('LINDEX', slots, math.min(awaited, taken - 1)))
    local more = math.max(0, awaited - taken + 1)
    ready_at = math.max(ready_at, sent_at + window + more * math.ceil(window / room))
end

if ready_at - now > max_wait then
    if joins then
        redis.call('ZREM', queue, member)
    elseif not is_write then
        drop(member)
    end
    return {FULL, text(ready_at - now), '', ''}
end
if joins then
    redis.call('ZADD', rounds, text(math.max(last, ticket_round)), client)
    redis.call('PEXPIRE', rounds, 120000)
    save('seq', text(math.max(seq, ticket_seq)))
end
if ready_at > now then
    if is_write then return {WAIT, text(ready_at - now), '', ''} end
    redis.call('ZADD', deadlines, text(now + math.min(ready_at - now, heartbeat) + grace), member)
    if joins then
        redis.call('PEXPIRE', queue, 120000)
        redis.call('PEXPIRE', deadlines, 120000)
    end
    return {WAIT, text(ready_at - now), text(ticket_round), text(ticket_seq)}
end

redis.call('RPUSH', slots, text(now))
redis.call('PEXPIRE', slots, math.ceil(window / 1000))
if open_until > 0 then save('open', text(now + probe_interval)) end  -- half-open: the probe
if not is_write then
    redis.call('ZREM', queue, member)
    redis.call('ZREM', deadlines, member)
    -- A read that is late, but within its grace, does not delay those behind it.
    local due = math.max(paused_until, next_read, has_waited and now - grace or now)
    if ticket_round > round then round, turns = ticket_round, 0 end
    if ticket_round == round then turns = turns + 1 end
    if turns >= turns_per_round then round, turns = round + 1, 0 end
    redis.call('ZREMRANGEBYSCORE', rounds, '-inf', '(' .. text(round))
    save('next_read', text(due + pace), 'round', text(round), 'turns', text(turns))
end
return {GO, '0', text(now)}
