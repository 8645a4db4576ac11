package web

import (
	"fmt"
	"strconv"
	"strings"
)

const maxPatternGroups = 16

// pattern refuses what the converter, which reads a regular expression by itself, cannot take: a quantifier
// with nothing before it ends its process, a bracket that closes nothing keeps it busy for ever.
func (s *schema) pattern(text string) error {
	if len(text) > maxSchemaText {
		return fmt.Errorf("pattern has %d bytes, at most %d are allowed", len(text), maxSchemaText)
	}
	if strings.Count(text, "(") > maxPatternGroups {
		return fmt.Errorf("pattern has more than %d open parentheses", maxPatternGroups)
	}
	if len(text) < 2 || text[0] != '^' || text[len(text)-1] != '$' {
		return fmt.Errorf("pattern begins with ^ and ends with $")
	}
	text = text[1 : len(text)-1]
	open, fresh := 0, true
	for i := 0; i < len(text); i++ {
		letter := text[i]
		if fresh && strings.IndexByte("*+?{", letter) >= 0 {
			return fmt.Errorf("pattern has %q with nothing before it: (?…) is not supported", string(letter))
		}
		fresh = letter == '(' || letter == '|'
		switch letter {
		case '\\':
			i++
		case '(':
			open++
		case ')':
			open--
		case ']', '}':
			open = -1
		case '[', '{':
			length := closing(text[i:])
			if length < 0 {
				return fmt.Errorf("pattern has a %q that is not closed", string(letter))
			}
			if letter == '{' {
				if err := s.times(text[i : i+length+1]); err != nil {
					return err
				}
			}
			i += length
		}
		if open < 0 {
			return fmt.Errorf("pattern has a %q that closes nothing", string(letter))
		}
	}
	if open != 0 {
		return fmt.Errorf("pattern has a ( that is not closed")
	}
	return nil
}

// closing is where the bracket ends that text begins with, or -1.
func closing(text string) int {
	end := byte(']')
	if text[0] == '{' {
		end = '}'
	}
	for i := 1; i < len(text); i++ {
		if text[i] == '\\' && end == ']' {
			i++
		} else if text[i] == end {
			return i
		}
	}
	return -1
}

// times checks {n}, {n,} or {n,m}.
func (s *schema) times(braces string) error {
	numbers := strings.Split(strings.Trim(braces, "{}"), ",")
	for i, each := range numbers {
		if each == "" && len(numbers) == 2 && i == 1 {
			continue
		}
		number, err := strconv.ParseUint(each, 10, 31)
		if err != nil || len(numbers) > 2 {
			return fmt.Errorf("pattern has a repetition that is none of {n}, {n,} and {n,m}")
		}
		if err := s.repeat("a repetition of pattern", float64(number)); err != nil {
			return err
		}
	}
	return nil
}
