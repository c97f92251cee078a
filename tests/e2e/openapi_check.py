#!/usr/bin/python3
"""Holds what a daemon answered against docs/openapi.yaml, both ways: openapi_check.py OPENAPI ROUTES_CC TRANSCRIPT

TRANSCRIPT has one JSON object a line: method, target, status, headers ([name, value]), body. Wrong is an answer, header or field that the
file does not have, and what the file has and no answer showed: a response, an alternative of oneOf, a property, a value of an enum.
Prints each finding on a line; status 1 when there is one.
"""
import json
import re
import sys
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, RefResolver
from jsonschema.exceptions import best_match

# What every HTTP answer may have, whatever it says.
PLAIN_HEADERS = {"content-type", "content-length", "connection", "date", "transfer-encoding", "keep-alive", "server"}


class Book:
    def __init__(self, document):
        self.document = document
        self.resolver = RefResolver("", document)
        self.seen = set()
        self.findings = []

    def whole(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def finding(self, text):
        if text not in self.findings:
            self.findings.append(text)

    def validate(self, value, schema, where):
        error = best_match(Draft202012Validator(schema, resolver=self.resolver).iter_errors(value))
        if error is not None:
            self.finding(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        return error is None

    def expected(self, schema, name):
        """Every alternative, property and value below a schema that some answer must show."""
        if "$ref" in schema:
            name = schema["$ref"]
        schema = self.whole(schema)
        for number, one in enumerate(schema.get("oneOf", [])):
            yield f"{name} oneOf {one.get('$ref', number)}"
            yield from self.expected(one, f"{name}/{number}")
        for value in schema.get("enum", []):
            yield f"{name} = {value}"
        for key, one in schema.get("properties", {}).items():
            yield f"{name} has {key}"
            yield from self.expected(one, f"{name}/{key}")
        if "items" in schema:
            yield from self.expected(schema["items"], f"{name}/item")

    def shown(self, schema, value, name):
        """Notes what of that a (valid) value shows."""
        if "$ref" in schema:
            name = schema["$ref"]
        schema = self.whole(schema)
        for number, one in enumerate(schema.get("oneOf", [])):
            if Draft202012Validator(one, resolver=self.resolver).is_valid(value):
                self.seen.add(f"{name} oneOf {one.get('$ref', number)}")
                self.shown(one, value, f"{name}/{number}")
        if value in schema.get("enum", []):
            self.seen.add(f"{name} = {value}")
        for key, one in schema.get("properties", {}).items():
            if isinstance(value, dict) and key in value:
                self.seen.add(f"{name} has {key}")
                self.shown(one, value[key], f"{name}/{key}")
        if "items" in schema and isinstance(value, list):
            for one in value:
                self.shown(schema["items"], one, f"{name}/item")


def responses_of(book):
    """(path, status) -> response; the path "*" is of those that any request may get."""
    found = {}
    for path, item in book.document["paths"].items():
        for status, response in item["get"]["responses"].items():
            found[path, status] = response
    for status, response in book.document["x-any-request"].items():
        found["*", status] = response
    return found


def check_answer(book, responses, answer):
    path = urlsplit(answer["target"]).path
    status = str(answer["status"])
    where = f"{answer['method']} {answer['target'][:80]}: {status}"
    headers = {name.lower(): value for name, value in answer["headers"]}
    kind = headers.get("content-type", "").split(";")[0]

    def fits(key):
        content = book.whole(responses[key]).get("content", {})
        return kind in content or answer["method"] == "HEAD" or not content

    keys = [key for key in ((path, status), ("*", status)) if key in responses and fits(key)]
    if not keys:
        book.finding(f"{where} {kind} is not documented: {answer['body'][:200]}")
        return
    response = book.whole(responses[keys[0]])
    book.seen.add(keys[0])
    documented = {name.lower(): book.whole(header) for name, header in response.get("headers", {}).items()}
    for name, header in documented.items():
        if name in headers:
            book.validate(headers[name], header["schema"], f"{where}, header {name}")
        elif header.get("required"):
            book.finding(f"{where} has no header {name}")
    for name in headers.keys() - documented.keys() - PLAIN_HEADERS:
        book.finding(f"{where} has a header that is not documented: {name}")
    content = response.get("content", {})
    if not content and answer["body"]:
        book.finding(f"{where} has a body: {answer['body'][:200]}")
    if not content or answer["method"] == "HEAD":
        return
    body = answer["body"]
    if kind == "application/json":
        try:
            body = json.loads(body)
        except ValueError as error:
            book.finding(f"{where}: {error}")
            return
    schema = content[kind]["schema"]
    if book.validate(body, schema, where):
        book.shown(schema, body, f"{keys[0]}")


def check_document(book, routes_cc, answers):
    document = book.document
    for name in ("openapi", "info", "paths"):
        if name not in document:
            book.finding(f"there is no {name}")
    for name, schema in document["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(schema)
        except Exception as error:  # whatever it is, it is said
            book.finding(f"schema {name}: {error}")
    in_code = set(re.findall(r'\{"(/[^"]*)", Door::', routes_cc))
    in_file = set(document["paths"])
    for path in in_code ^ in_file:
        book.finding(f"{path} is {'in the daemon alone' if path in in_code else 'not in the daemon'}")
    named = [answer for answer in answers if answer["status"] == 404 and "There are " in answer["body"]]
    for answer in named:
        told = set(re.findall(r"/[a-z-]+", answer["body"].split("There are ", 1)[1]))
        if told != in_file:
            book.finding(f"a 404 names other routes: {sorted(told ^ in_file)}")
    if not named:
        book.finding("no 404 named the routes")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        book = Book(yaml.safe_load(file))
    with open(sys.argv[2], encoding="utf-8") as file:
        routes_cc = file.read()
    with open(sys.argv[3], encoding="utf-8") as file:
        answers = [json.loads(line) for line in file]
    responses = responses_of(book)
    for answer in answers:
        check_answer(book, responses, answer)
    check_document(book, routes_cc, answers)
    for key, response in responses.items():
        if key not in book.seen:
            book.finding(f"no answer was {key[0]} {key[1]}")
            continue
        for content in book.whole(response).get("content", {}).values():
            for what in book.expected(content["schema"], f"{key}"):
                if what not in book.seen:
                    book.finding(f"no answer showed: {what}")
    for text in book.findings:
        print(text)
    return 1 if book.findings else 0


sys.exit(main())
