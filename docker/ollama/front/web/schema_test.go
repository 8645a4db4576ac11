package web

import (
	"fmt"
	"strings"
	"testing"
)

// nested is inner within so many levels of before and after.
func nested(before, inner, after string, levels int) string {
	return strings.Repeat(before, levels) + inner + strings.Repeat(after, levels)
}

func listOf(count int, format string) string {
	var all []string
	for i := range count {
		all = append(all, strings.ReplaceAll(format, "#N", fmt.Sprint(i)))
	}
	return strings.Join(all, ",")
}

func asPattern(text string) string { return `{"type":"string","pattern":"` + text + `"}` }

func asSchema(schema string) string {
	return asChat(`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":` + schema + `}}`)
}

// hostile are schemas that end Ollama 0.17.4's server or keep it busy, each with what its refusal says.
var hostile = map[string]string{
	// the process ends
	asPattern("^" + nested("(", "a", ")", 100) + "$"): "16 open parentheses",
	asPattern("^" + strings.Repeat("(", 5000) + "$"):  "pattern has 5002 bytes",
	asPattern("^*$"):      "nothing before it",
	asPattern("^(?:a)$"):  "nothing before it",
	asPattern("^a({2})$"): "nothing before it",
	`{"properties":{"` + strings.Repeat("é", 4000) + `":{}}}`:               "a name has 8000 bytes",
	`{"$defs":{"a":{}},"$ref":"#/$defs/` + strings.Repeat("/", 4000) + `"}`: "a $ref begins",
	`{"type":"string","format":"` + strings.Repeat("é", 4000) + `"}`:        "format has 8000 bytes",
	nested(`{"items":`, `{}`, `}`, 1500):                                    "deeper than 32",
	nested(`{"anyOf":[`, `{}`, `]}`, 900):                                   "deeper than 32",
	`{"allOf":[{"$ref":"#/a"}],"a":{"$ref":"#/a"}}`:                         "refers to itself",
	`{"$ref":"#/a","a":{"properties":{"x":{"allOf":[{"$ref":"#/a"}]}}}}`:    "refers to itself",
	`{"$defs":{` + listOf(65, `"p#N":{}`) + `}}`:                            "an object has 65 properties",
	// it stays busy
	asPattern("^a]$"): "closes nothing",
	asPattern("^}$"):  "closes nothing",
	`{"properties":{` + listOf(900, `"p#N":{}`) + `}}`:                                     "more than 256 properties",
	`{"allOf":[` + listOf(5, `{"properties":{`+listOf(60, `"p#N":{}`)+`}}`) + `]}`:         "more than 256 properties",
	`{"a":{"properties":{` + listOf(60, `"p#N":{}`) + `}},"allOf":[` + refs(9, "a") + `]}`: "more than 256 properties",
	doubling(8): "more than 64 references",
	nested(`{"type":["array","array"],"items":`, `{}`, `}`, 20): "different texts",
	`{"$ref":"https://example.org/schema"}`:                     "a $ref begins",
	`{"properties":{"a":{"$ref":"#/b"}}}`:                       "leads nowhere",
	`{"a":[],"$ref":"#/a/0"}`:                                   "leads nowhere",
	`{"$defs":{"a":{}},"anyOf":[` + refs(65, "$defs/a") + `]}`:  "more than 64 references",
	// the grammar explodes
	asPattern("^a{1000000000}$"):                                           "1e+09 is not in 0..1024",
	asPattern("^a{1,99999999999999999999}$"):                               "none of {n}",
	`{"type":"string","maxLength":100000000}`:                              "maxLength 1e+08 is not in 0..1024",
	`{"type":"array","items":{},"minItems":-1}`:                            "minItems -1 is not in",
	`{"items":[` + listOf(40, `{"type":"string","minLength":1024}`) + `]}`: "exceed 32768 together",
	`{"enum":[` + listOf(257, `"#N"`) + `]}`:                               "a list has 257 values",
	`{"const":"` + strings.Repeat("x", 257) + `"}`:                         "enum or const has 257 bytes",
	`{"description":"` + strings.Repeat("x", maxSchema) + `"}`:             "at most 16384 are allowed",
	"{\"const\":\"\xff\"}":                                                 "in UTF-8",
	asPattern("^(a$"):                                                      "( that is not closed",
	asPattern("^[a$"):                                                      "not closed",
	asPattern("a"):                                                         "begins with ^",
}

func refs(count int, to string) string { return listOf(count, `{"$ref":"#/`+to+`"}`) }

// doubling has each definition refer twice to the next below allOf.
func doubling(levels int) string {
	var all []string
	for i := range levels {
		all = append(all, fmt.Sprintf(`"d%d":{"allOf":[%s]}`, i, refs(2, fmt.Sprintf("d%d", i+1))))
	}
	return fmt.Sprintf(`{"allOf":[{"$ref":"#/d0"}],%s,"d%d":{}}`, strings.Join(all, ","), levels)
}

func TestASchemaThatEndsOrStallsOllamaIsRefused(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for schema, wanted := range hostile {
		status, _, body := ask(t, url+"/v1/chat/completions", asSchema(schema))
		found := problemOf(t, body)
		message, _ := found["message"].(string)
		if status != 400 || found["code"] != "invalid_value" || found["param"] != "response_format" || !strings.Contains(message, wanted) {
			t.Errorf("%.80s: wanted %q, got %d %s", schema, wanted, status, body)
		}
	}
	if len(native.seen) != 0 {
		t.Error("a refused schema reached Ollama")
	}
}

func TestAnOrdinarySchemaIsTaken(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for _, schema := range []string{
		`{}`, `{"type":"banana"}`,
		`{"$defs":{"Tree":{"properties":{"next":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]}}}},"$ref":"#/$defs/Tree"}`,
		`{"$defs":{"A":{"properties":{"x":{"type":"integer"}}}},"properties":{"a":{"allOf":[{"$ref":"#/$defs/A"}]}}}`,
		`{"properties":{"pattern":{"type":["string","null"]},"type":{"enum":["a","b"]},"maxItems":{"type":"integer"}},"required":["type"]}`,
		asPattern(`^\\(?[0-9]{3}\\)? ?[0-9]{3}-[0-9]{4,}[)\\]]$`), asPattern(`^(a|b)+\\.x{1,5}[^\\]]*$`), asPattern("^$"),
		`{"properties":{` + listOf(64, `"p#N":{"type":"string","maxLength":200}`) + `}}`,
	} {
		if status, _, body := ask(t, url+"/v1/chat/completions", asSchema(schema)); status != 200 {
			t.Error(schema, status, body)
		}
	}
	if len(native.seen) != 9 {
		t.Error(len(native.seen))
	}
}
