package policy_test

import (
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

func TestSuggest(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		tool ostiary.Tool
		want ostiary.Effect
	}{
		{ostiary.Tool{Name: "get_x", Annotations: ostiary.Annotations{ReadOnly: &yes}}, ostiary.EffectRead},
		{ostiary.Tool{Name: "get_x"}, ostiary.EffectDestructive},
		{ostiary.Tool{Name: "write_x"}, ostiary.EffectDestructive},
		{ostiary.Tool{Name: "write_x", Annotations: ostiary.Annotations{Destructive: &no}}, ostiary.EffectWrite},
		{ostiary.Tool{Name: "write_x", Annotations: ostiary.Annotations{Destructive: &yes}}, ostiary.EffectDestructive},
		{ostiary.Tool{Name: "write_x", Annotations: ostiary.Annotations{ReadOnly: &yes, Destructive: &no}}, ostiary.EffectDestructive},
		{ostiary.Tool{Name: "delete_x", Annotations: ostiary.Annotations{Destructive: &no}}, ostiary.EffectDestructive},
		{ostiary.Tool{Name: "pay_invoice", Annotations: ostiary.Annotations{Destructive: &no}}, ostiary.EffectSpend},
		{ostiary.Tool{Name: "status", Annotations: ostiary.Annotations{ReadOnly: &yes}, InputSchema: []byte(`{"properties":{"command":{}}}`)}, ostiary.EffectExecute},
	} {
		if got, why := policy.Suggest(c.tool); got != c.want || why == "" {
			t.Errorf("%s: %s (%s), want %s", c.tool.Name, got, why, c.want)
		}
	}
}
