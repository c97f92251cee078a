#!/usr/bin/python3
"""Holds the pages about /metrics against what a daemon gave: metrics_check.py METRICS_TEXT [PROMETHEUS_URL]

Wrong is a metric that docs/MONITORING.md does not list, or lists with another type or other labels, one that it lists and the daemon does not have, and
one that the dashboard or a rule asks for and the daemon does not have; a rule without a test of its own. With the address of a Prometheus that reads
the daemon: an expression of the dashboard that it refuses or that finds nothing. Prints each finding on a line; status 1 when there is one.
"""
import json
import re
import sys
import urllib.parse
import urllib.request

import yaml

OWN = re.compile(r"\bvnc_orchestrator_[a-z_]+\b")
FINDINGS = []


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def given_of(text):
    """name -> (type, labels) of what the daemon gave; `le` is the histogram's own."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    given = {name: (kind, set()) for name, kind in types.items()}
    for name, labels in re.findall(r"^(\w+)(\{.*\})? \S+$", text, re.M):
        family = name if name in types else re.sub(r"_(bucket|sum|count)$", "", name)
        if family not in types:
            FINDINGS.append(f"{name} has no type")
            continue
        given[family][1].update(set(re.findall(r'(\w+)="', labels)) - {"le"})
    return given


def listed_of(page):
    rows = re.findall(r"^\| `(vnc_orchestrator_\w+)` \| (\w+) \| ([^|]*)\|", page, re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def check_names(given, where, text):
    for name in sorted(set(OWN.findall(text))):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in given and not (family in given and given[family][0] == "histogram"):
            FINDINGS.append(f"{where} asks for {name}, which is not there")


def ask(prometheus, expression):
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=10) as reply:
            return json.load(reply)["data"]["result"]
    except OSError as error:
        FINDINGS.append(f"{expression}: {error}")
        return [None]


def main():
    given = given_of(text_of(sys.argv[1]))
    listed = listed_of(text_of("docs/MONITORING.md"))
    for name in sorted(given.keys() | listed.keys()):
        if given.get(name) != listed.get(name):
            FINDINGS.append(f"{name} is {given.get(name)} in /metrics and {listed.get(name)} in docs/MONITORING.md")
    dashboard, rules = text_of("docs/monitoring/grafana-dashboard.json"), text_of("docs/monitoring/alerts.yml")
    check_names(given, "the dashboard", dashboard)
    check_names(given, "a rule", rules)
    alerts = [rule["alert"] for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]
    tests = [one for test in yaml.safe_load(text_of("docs/monitoring/alerts_test.yml"))["tests"] for one in test["alert_rule_test"]]
    for alert in alerts:
        for fires in (True, False):
            if not any(one["alertname"] == alert and bool(one["exp_alerts"]) == fires for one in tests):
                FINDINGS.append(f"no test sees {alert} {'go off' if fires else 'keep quiet'}")
    expressions = [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]]
    if not listed or not alerts or not expressions:
        FINDINGS.append("a page is empty")
    for expression in expressions if len(sys.argv) > 2 else []:
        # As Grafana fills them in.
        if not ask(sys.argv[2], expression.replace("$instance", ".*").replace("$__rate_interval", "1m")):
            FINDINGS.append(f"the dashboard finds nothing with {expression}")
    print("\n".join(FINDINGS))
    return 1 if FINDINGS else 0


sys.exit(main())
