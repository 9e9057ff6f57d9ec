#!/usr/bin/env python3
"""The cases of the original search, as four senders would send them.

    make.py CASES.ndjson

writes winlogbeat8.ndjson, winlogbeat6.ndjson, nxlog.ndjson, rfc5424.ndjson (each of the three again in a syslog header) and
expect.ndjson beside itself, one record a line, in the order of the cases.  A case is
{"id", "why", "event": {"EventCode", "Channel", "host", field: value ...}, "expect": {"DetectionType", "SeverityRating"} or null}.
The record id is the case's, so that an alert can be found again.
"""
import json
import os
import sys

HEADER = ("EventCode", "Channel", "host")
PROVIDER = "Microsoft-Windows-Sysmon"
GUID = "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"


def data(case):
    fields = {k: v for k, v in case["event"].items() if k not in HEADER}
    return {"UtcTime": "2026-03-01 10:00:00.%03d" % case["id"], **fields}


def stamp(case):
    return "2026-03-01T10:00:00.%03dZ" % case["id"]


def winlogbeat8(case):
    event = case["event"]
    return {
        "@timestamp": stamp(case),
        "event": {"code": str(event["EventCode"]), "kind": "event", "provider": PROVIDER},
        "host": {"name": "collector.corp.example"},
        "log": {"level": "information"},
        "winlog": {
            "channel": event["Channel"],
            "computer_name": event["host"],
            "event_data": data(case),
            "event_id": event["EventCode"],
            "process": {"pid": 2816, "thread": {"id": 3932}},
            "provider_guid": GUID,
            "provider_name": PROVIDER,
            "record_id": case["id"],
            "user": {"domain": "NT AUTHORITY", "identifier": "S-1-5-18", "name": "SYSTEM"},
        },
    }


def winlogbeat6(case):
    event = case["event"]
    return {
        "@timestamp": stamp(case),
        "@metadata": {"beat": "winlogbeat", "type": "doc", "version": "6.7.0"},
        "event_data": data(case),
        "record_number": str(case["id"]),
        "beat": {"name": "WEC1", "hostname": "WEC1", "version": "6.7.0"},
        "host": {"name": "WEC1"},
        "process_id": 2520,
        "log_name": event["Channel"],
        "source_name": PROVIDER,
        "provider_guid": GUID.lower(),
        "type": "wineventlog",
        "user": {"identifier": "S-1-5-18", "name": "SYSTEM", "domain": "NT AUTHORITY"},
        "computer_name": event["host"],
        "event_id": event["EventCode"],
    }


def nxlog(case):
    event = case["event"]
    return {
        "EventTime": "2026-03-01 05:00:00",
        "Hostname": event["host"],
        "Keywords": -9223372036854775808,
        "EventType": "INFO",
        "SeverityValue": 2,
        "Severity": "INFO",
        "EventID": event["EventCode"],
        "SourceName": PROVIDER,
        "ProviderGuid": GUID,
        "RecordNumber": case["id"],
        "ExecutionProcessID": 2804,
        "ThreadID": 3356,
        "Channel": event["Channel"],
        "Domain": "NT AUTHORITY",
        "AccountName": "SYSTEM",
        "UserID": "S-1-5-18",
        **data(case),
        "EventReceivedTime": "2026-03-01 05:00:01",
        "SourceModuleName": "eventlog",
        "SourceModuleType": "im_msvistalog",
    }


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = [json.loads(line) for line in file if line.strip()]

    def write(name, lines):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines)

    layouts = {"winlogbeat8": winlogbeat8, "winlogbeat6": winlogbeat6, "nxlog": nxlog}
    for name, layout in layouts.items():
        write(name + ".ndjson", (json.dumps(layout(case)) for case in cases))
    write("rfc5424.ndjson", (
        "<14>1 %s relay.corp.example %s 2804 - - %s" % (stamp(case), name, json.dumps(layout(case)))
        for case in cases for name, layout in layouts.items()))
    write("expect.ndjson", (
        json.dumps({"id": case["id"], **{
            key: (case["expect"] or {}).get(key) for key in ("DetectionType", "SeverityRating")}})
        for case in cases))


if __name__ == "__main__":
    main()
