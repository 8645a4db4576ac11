package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a JSON schema. Ollama's converter from a schema to a grammar is recursive C++ inside its server:
// a small schema can end that process or keep it busy for minutes, and nothing cancels it.
const (
	maxSchema        = 16 << 10
	maxSchemaDepth   = 32
	maxSchemaName    = 128
	maxSchemaList    = 256
	maxSchemaText    = 256
	maxProperties    = 64
	maxAllProperties = 256
	// maxRefs counts a reference below allOf each time that the converter would follow it.
	maxRefs = 64
	// maxRepetition is of one bound; maxRepetitions of all: the grammar has a rule for each.
	maxRepetition  = 1024
	maxRepetitions = 32 << 10
)

// schema is a walk over what the converter reads. It takes a name for a keyword wherever one stands, as a
// reference may lead anywhere.
type schema struct {
	root                       map[string]any
	properties, refs, repeated int
}

// checkSchema says why a schema is not handed to the converter.
func checkSchema(raw []byte) error {
	if len(raw) > maxSchema {
		return fmt.Errorf("the schema has %d bytes, at most %d are allowed", len(raw), maxSchema)
	}
	s := &schema{}
	if !utf8.Valid(raw) || json.Unmarshal(raw, &s.root) != nil {
		return fmt.Errorf("the schema is no JSON object in UTF-8")
	}
	return s.walk(s.root, 1, false)
}

// walk checks a value. Unfold is for the parts of allOf, whose references the converter follows every time.
func (s *schema) walk(value any, depth int, unfold bool) error {
	if depth > maxSchemaDepth {
		return fmt.Errorf("the schema is deeper than %d levels, or refers to itself in allOf", maxSchemaDepth)
	}
	switch node := value.(type) {
	case []any:
		if len(node) > maxSchemaList {
			return fmt.Errorf("a list has %d values, at most %d are allowed", len(node), maxSchemaList)
		}
		for _, each := range node {
			if err := s.walk(each, depth+1, unfold); err != nil {
				return err
			}
		}
	case map[string]any:
		return s.object(node, depth, unfold)
	}
	return nil
}

func (s *schema) object(node map[string]any, depth int, unfold bool) error {
	if len(node) > maxProperties {
		return fmt.Errorf("an object has %d properties or definitions, at most %d are allowed", len(node), maxProperties)
	}
	for _, key := range slices.Sorted(maps.Keys(node)) {
		value := node[key]
		if len(key) > maxSchemaName {
			return fmt.Errorf("a name has %d bytes, at most %d are allowed", len(key), maxSchemaName)
		}
		if err := s.keyword(key, value, depth, unfold); err != nil {
			return err
		}
		if err := s.walk(value, depth+1, key == "allOf" || unfold && key == "anyOf"); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) keyword(key string, value any, depth int, unfold bool) error {
	text, isText := value.(string)
	switch key {
	case "properties":
		named, _ := value.(map[string]any)
		if s.properties += len(named); s.properties > maxAllProperties {
			return fmt.Errorf("the schema has more than %d properties", maxAllProperties)
		}
	case "$ref":
		if isText {
			return s.reference(text, depth, unfold)
		}
	case "pattern":
		if isText {
			return s.pattern(text)
		}
	case "format":
		if isText && len(text) > maxSchemaName {
			return fmt.Errorf("format has %d bytes, at most %d are allowed", len(text), maxSchemaName)
		}
	case "type":
		return oneType(value)
	case "const":
		return bounded([]any{value})
	case "enum":
		list, _ := value.([]any)
		return bounded(list)
	case "minLength", "maxLength", "minItems", "maxItems":
		if number, ok := value.(float64); ok {
			return s.repeat(key, number)
		}
	}
	return nil
}

// reference leads into the schema itself; below allOf it is followed.
func (s *schema) reference(text string, depth int, unfold bool) error {
	if s.refs++; s.refs > maxRefs {
		return fmt.Errorf("the schema has more than %d references", maxRefs)
	}
	if len(text) > maxSchemaName || !strings.HasPrefix(text, "#/") {
		return fmt.Errorf("a $ref begins with #/ and has at most %d bytes", maxSchemaName)
	}
	var target any = s.root
	for _, token := range strings.Split(text, "/")[1:] {
		switch node := target.(type) {
		case map[string]any:
			target = node[token]
		case []any:
			index, err := strconv.Atoi(token)
			if err != nil || index < 0 || index >= len(node) {
				return fmt.Errorf("a $ref leads nowhere")
			}
			target = node[index]
		default:
			target = nil
		}
	}
	if target == nil {
		return fmt.Errorf("a $ref leads nowhere")
	}
	if unfold {
		return s.walk(target, depth+1, true)
	}
	return nil
}

// oneType refuses a type named twice: the converter would read all below it twice.
func oneType(value any) error {
	list, _ := value.([]any)
	seen := map[string]bool{}
	for _, each := range list {
		name, ok := each.(string)
		if !ok || seen[name] {
			return fmt.Errorf("a list of types has different texts only")
		}
		seen[name] = true
	}
	return nil
}

func bounded(list []any) error {
	for _, each := range list {
		if text, _ := each.(string); len(text) > maxSchemaText {
			return fmt.Errorf("a value of enum or const has %d bytes, at most %d are allowed", len(text), maxSchemaText)
		}
	}
	return nil
}

func (s *schema) repeat(what string, number float64) error {
	if number < 0 || number > maxRepetition {
		return fmt.Errorf("%s %g is not in 0..%d", what, number, maxRepetition)
	}
	if s.repeated += int(number); s.repeated > maxRepetitions {
		return fmt.Errorf("all lengths and repetitions exceed %d together", maxRepetitions)
	}
	return nil
}
