-- Asks the gate of this project about a request: http-request lua.ask_the_gate in haproxy.cfg.
-- What to do is left in variables of the transaction; without an answer there are none, and the
-- legacy portal gets the request. The protocol is described in docs/gate.md.

local HOST = os.getenv("REDIRECTION_GATE_HOST") or "127.0.0.1"
local PORT = tonumber(os.getenv("REDIRECTION_GATE_PORT") or "8001")
local KEY = os.getenv("REDIRECTION_GATE_KEY") or ""

-- The gate answers from memory within a millisecond or two: after a second it is broken.
local TIMEOUT = 1 -- seconds
-- After so many failures it is left alone for a while, so that a gate that hangs does not make
-- every request wait.
local MOST_FAILURES = 3
local LEFT_ALONE = 5 -- seconds

-- All that it is told of what the client sent.
local TOLD = {
    "accept", "content-type", "cookie", "purpose", "referer", "sec-fetch-dest", "sec-fetch-mode",
    "sec-fetch-site", "sec-fetch-user", "sec-purpose", "service-worker", "upgrade", "x-moz",
    "x-purpose", "x-requested-with",
}
-- Of its answer, each with the variable that keeps it.
local KEPT = {
    ["redirection-decision"] = "txn.gate_decision",
    ["redirection-page-decision"] = "txn.gate_page_decision",
    ["redirection-location"] = "txn.gate_location",
    ["redirection-cache-control"] = "txn.gate_cache_control",
    ["redirection-server-timing"] = "txn.gate_server_timing",
    ["redirection-form-cookie"] = "txn.gate_form_cookie",
    ["redirection-cookie-1"] = "txn.gate_cookie_1",
    ["redirection-cookie-2"] = "txn.gate_cookie_2",
    ["redirection-cookie-3"] = "txn.gate_cookie_3",
    ["redirection-cookie-4"] = "txn.gate_cookie_4",
}

local failures, again_at = 0, 0

local function joined(values, separator)
    local all = {}
    local number = 0
    while values[number] ~= nil do
        all[number + 1] = values[number]
        number = number + 1
    end
    return table.concat(all, separator)
end

local function question(txn)
    local sent = txn.http:req_get_headers()
    local lines = {
        "GET /redirection/gate HTTP/1.1",
        "Host: redirection-gate",
        "Connection: close",
        "Gatekey: " .. KEY,
        "Gatemethod: " .. txn.sf:method(),
        "Gatehost: " .. (sent["host"] and joined(sent["host"], ",") or ""),
        "Gatetarget: " .. txn.sf:url(),
        "Gatescheme: https",
    }
    for _, name in ipairs(TOLD) do
        if sent[name] ~= nil then
            table.insert(lines, name .. ": " .. joined(sent[name], name == "cookie" and "; " or ", "))
        end
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- HAProxy's own HTTP client (2.6) tries four times, and a person would wait for each of them.
local function call(txn)
    local socket = core.tcp()
    socket:settimeout(TIMEOUT)
    if not socket:connect(HOST, PORT) or not socket:send(question(txn)) then
        socket:close()
        return 0, {}
    end
    local first = socket:receive("*l")
    local status = tonumber(first and first:match("^HTTP/1%.%d (%d%d%d)") or 0)
    local headers = {}
    while status ~= 0 do
        local line = socket:receive("*l")
        if line == nil then
            -- Half an answer is none.
            status = 0
        elseif line == "" or line == "\r" then
            break
        else
            local name, value = line:match("^([^:]+):%s*(.-)%s*$")
            if name then
                headers[name:lower()] = value
            end
        end
    end
    socket:close()
    return status, headers
end

local function ask_the_gate(txn)
    local now = core.now().sec
    if now < again_at then
        return
    end
    if failures >= MOST_FAILURES then
        -- One of them tries; the others wait for what becomes of it.
        again_at = now + LEFT_ALONE
    end
    local worked, status, headers = pcall(call, txn)
    if not worked then
        status = 0
    end
    -- A gate that says itself that it knows nothing yet is there, and soon will.
    if status == 0 or (status >= 500 and headers["redirection-decision"] == nil) then
        failures = failures + 1
        if failures >= MOST_FAILURES then
            again_at = core.now().sec + LEFT_ALONE
        end
        return
    end
    failures, again_at = 0, 0
    local is_answer = status == 204 or status == 302
        or (status == 403 and headers["redirection-decision"] ~= nil)
    if not is_answer then
        return
    end
    for name, variable in pairs(KEPT) do
        if headers[name] ~= nil then
            txn:set_var(variable, headers[name])
        end
    end
    txn:set_var("txn.gate_answer", tostring(status))
end

core.register_action("ask_the_gate", { "http-req" }, ask_the_gate)

-- Of a form that is still being sent, http-request return would reset the stream of HTTP/2, and
-- nobody would see why.
local function refusal(status, text)
    return function(applet)
        applet:set_status(status)
        applet:add_header("content-type", "text/plain")
        applet:add_header("content-length", tostring(#text))
        applet:start_response()
        applet:send(text)
    end
end

core.register_service("without_length", "http", refusal(411, "The length of the form is missing.\n"))
core.register_service(
    "too_large",
    "http",
    refusal(413, "This is too large: a picture may have 5 MB. Go back and choose another one.\n")
)
