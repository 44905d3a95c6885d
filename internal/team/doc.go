// Package team tests `ostiary serve` as a team has it: an authorization server
// that issues its tokens, nginx before it, a server behind it that many people
// share, and abuse from all sides. It has only tests.
package team
