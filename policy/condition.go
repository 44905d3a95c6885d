package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/ostiary/ostiary"
)

// What a condition may cost. A unit is about one step of the evaluation or ten
// characters looked at, so that the dearest evaluation ends within some tens of
// milliseconds.
const (
	maxConditionBytes = 4096
	maxConditionNodes = 2000
	maxRegexProgram   = 2000
	maxCost           = 500_000
	// Sizes that an estimate assumes of arguments of unknown size.
	assumedText, assumedInnerText, assumedItems = 64 << 10, 256, 100
	// largestMessage bounds every size in an argument, in bytes: no door takes a
	// longer message.
	largestMessage = 1 << 30
)

// conditions compiles the texts of when:. The environment is the same for all;
// only what call.args is differs from tool to tool.
type conditions struct {
	env  *cel.Env
	base types.Provider
}

func newConditions() (*conditions, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	env, err := cel.NewEnv(
		cel.CustomTypeProvider(types.Provider(newProvider(registry, &argTypes{free: true}, nil))),
		cel.CustomTypeAdapter(adapter{registry}),
		cel.Variable("call", cel.ObjectType(callType)),
		cel.Variable("principal", cel.ObjectType(principalType)),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableIdentifierEscapeSyntax(), // call.args.`max-size`
		cel.ParserExpressionSizeLimit(maxConditionBytes),
		cel.ParserRecursionLimit(64),
		cel.ExpressionNodeLimit(maxConditionNodes),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
	)
	if err != nil {
		return nil, err
	}
	return &conditions{env: env, base: registry}, nil
}

// parse checks the syntax alone.
func (cs *conditions) parse(text string) error {
	_, issues := cs.env.Parse(text)
	return issues.Err()
}

// scope is what one compilation may name: the arguments of one tool.
type scope struct {
	tool string // as people write it, upstream/name
	args *argTypes
	// admits is as in provider.
	admits func(name string) bool
}

// compile makes a predicate of a text for one tool. Its errors are for the
// operator and hold nothing of any call.
func (cs *conditions) compile(text string, s scope) (*ostiary.Condition, error) {
	p := newProvider(cs.base, s.args, s.admits)
	env, err := cs.env.Extend(cel.CustomTypeProvider(types.Provider(p)))
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		if len(p.missed) > 0 {
			return nil, p.explain(s)
		}
		if text := err.Error(); strings.Contains(text, "(double, int)") || strings.Contains(text, "(int, double)") {
			return nil, fmt.Errorf("%w\na number of the schema is a double: == and arithmetic want 100.0, not 100 (write 100.0)", err)
		}
		return nil, err
	}
	if t := ast.OutputType(); !t.IsExactType(types.BoolType) && t.Kind() != types.DynKind {
		return nil, fmt.Errorf("the condition is a %s, it must be true or false", t)
	}
	options, err := bounded(env, ast)
	if err != nil {
		return nil, err
	}
	program, err := env.Program(ast, options...)
	if err != nil {
		return nil, err
	}
	return &ostiary.Condition{Source: text, Holds: func(_ context.Context, c *ostiary.Call) (holds bool, err error) {
		defer func() {
			if recover() != nil {
				holds, err = false, errPanic
			}
		}()
		return evaluate(program, c)
	}}, nil
}

// bounded refuses a condition that is dear on arguments of ordinary size. One that
// is cheap even on the largest message needs no count while it runs.
func bounded(env *cel.Env, ast *cel.Ast) ([]cel.ProgramOption, error) {
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	usual, err := env.EstimateCost(ast, sizes{text: assumedText, inner: assumedInnerText, items: assumedItems})
	if err != nil {
		return nil, err
	}
	if usual.Max > maxCost {
		return nil, fmt.Errorf("the condition may cost %d units on ordinary arguments, more than %d: look at fewer or smaller values", usual.Max, maxCost)
	}
	worst, err := env.EstimateCost(ast, sizes{text: largestMessage, inner: largestMessage, items: largestMessage})
	if err != nil {
		return nil, err
	}
	if worst.Max > maxCost {
		options = append(options, cel.CostLimit(maxCost))
	}
	return options, nil
}

func evaluate(program cel.Program, c *ostiary.Call) (bool, error) {
	if c == nil {
		return false, errArgs
	}
	out, _, err := program.Eval((*activation)(c))
	if err != nil {
		return false, withoutValues(err)
	}
	if b, ok := out.(types.Bool); ok {
		return bool(b), nil
	}
	return false, errNoBool
}

// activation resolves the two variables to the call itself.
type activation ostiary.Call

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	if name == "call" || name == "principal" {
		return (*ostiary.Call)(a), true
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (a *activation) Parent() interpreter.Activation { return nil }

var (
	errPanic  = errors.New("the evaluation panicked")
	errNoBool = errors.New("the result is neither true nor false")
	errCost   = errors.New("the evaluation cost more than allowed")
)

// withoutValues keeps of an evaluation's error what holds no value of the call;
// it goes into the record.
func withoutValues(err error) error {
	for _, own := range []error{errAbsent, errMistyped, errInexact, errArgs} {
		if errors.Is(err, own) || strings.Contains(err.Error(), own.Error()) {
			return own
		}
	}
	text := err.Error()
	for _, known := range []string{"no such overload", "no such key", "no such attribute", "index out of bounds",
		"divide by zero", "division by zero", "modulus by zero", "integer overflow", "overflow", "range"} {
		if strings.Contains(text, known) {
			return errors.New("evaluation failed: " + known)
		}
	}
	if strings.Contains(text, "cost limit") || strings.Contains(text, "cancelled") {
		return errCost
	}
	return errors.New("evaluation failed")
}

// explain says which names are none and what may have been meant.
func (p *provider) explain(s scope) error {
	var problems []error
	said := map[missed]bool{}
	for _, m := range p.missed {
		if said[m] {
			continue
		}
		said[m] = true
		switch names := sortedKeys(p.fields(m.of)); m.of {
		case argsType:
			problems = append(problems, fmt.Errorf("%s has no argument %q%s", s.tool, m.name, didYouMean(m.name, names)))
		case callType:
			problems = append(problems, fmt.Errorf("call.%s does not exist%s", m.name, didYouMean(m.name, names)))
		default:
			problems = append(problems, fmt.Errorf("principal.%s does not exist%s", m.name, didYouMean(m.name, names)))
		}
	}
	return errors.Join(problems...)
}

// sizes estimates how large arguments are, for the check at load.
type sizes struct{ text, inner, items uint64 }

// EstimateSize implements cost.Estimator.
func (s sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	largest := s.inner
	switch t := element.Type(); {
	case t == nil:
	case t.Kind() == types.ListKind || t.Kind() == types.MapKind:
		largest = s.items
	case len(element.Path()) > 0 && len(element.Path()) <= 3: // call.args.x
		largest = s.text
	}
	return &cost.SizeEstimate{Min: 0, Max: largest}
}

// EstimateCallCost implements cost.Estimator: the costs of the library are taken.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
