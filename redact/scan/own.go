package scan

// ownRules are those that the rule file of gitleaks does not have.
func ownRules() []Rule {
	return []Rule{
		{ID: "provider-key", Regex: `\b(sk-[A-Za-z0-9_-]{20,})`, Keywords: []string{"sk-"}, Entropy: 2.5},
		{ID: "bearer", Regex: `(?i)\bbearer[ \t]+([\w.~+/=-]{16,})`, Keywords: []string{"bearer"}, Entropy: 3},
		{ID: "basic-auth", Regex: `(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?basic[ \t]+([A-Za-z0-9+/]{8,}={0,2})`, Keywords: []string{"authorization"}},
		{ID: "cookie", Regex: `(?i)\b(?:set-)?cookie["']?[ \t]*[:=][ \t]*["']?[^\r\n"']*?(?:session|sess|sid|auth|token|jwt)[\w.-]*=([^;\s"',]{8,})`, Keywords: []string{"cookie"}},
		{ID: "url-password", Regex: `://[^/?#\s"'<>\x60:@\[]*:([^/?#\s"'<>\x60@\[]{1,256})@`, Keywords: []string{"://"}},
	}
}
