// Package redact takes secrets out of what the log keeps (Redactor), and out of what
// comes back to a client (Filter, by the rules of package scan).
//
// Threat: a password that an agent passes to a tool, a token in a result, or a
// credential of the configuration that lands in the log, from where backups,
// dashboards and colleagues carry it on; a key in a file, an answer or an error that
// flows into the model's context, and from there into its next calls.
//
// Promise on the way out, for every result, error, list, notification and question:
// what a rule finds in a string or a key is replaced by "[REDACTED:rule]", also where
// JSON's escapes or hidden characters interrupt it, where it is percent-encoded or
// base64 once (in lines as long as each other from 20 characters on, and glued to other
// text), or stands in a text that is itself JSON. The name of a member counts as the word
// in front of its value: what a rule finds in  name = value  is found, and a password that
// looks like words is not. The body stays JSON; nothing
// outside of a finding changes; doing it again changes nothing. A rule may withhold
// the answer instead, or only report. Texts are cut to a bound behind that, on a
// character, and say so; structured content is withheld where it is over the bound or
// does not fit the tool's output schema any more, and says so in a text and in _meta.
//
// Promise for the log, in three parts:
//   - A value whose key names a secret (password, api_key, github_token, …), or
//     whose key the tool's JSON Schema declares as one (format "password",
//     writeOnly, a title or description that names a secret), is replaced whole by
//     "[REDACTED:key]", at every depth, whatever its type.
//   - A known secret, which is every credential of the configuration, is replaced
//     by "[REDACTED:known]" wherever it stands in a string, a key or a number:
//     plain, in hexadecimal (upper or lower case), in base64 (standard or URL
//     alphabet, wherever it begins), percent-encoded or JSON-escaped, the last
//     two in any mixture and two levels deep, also where hidden characters
//     interrupt it.
//   - Secrets of a well-known shape (bearer tokens, JWTs, private keys, keys of a
//     few providers, passwords in URLs) are replaced by "[REDACTED:shape]".
//
// For the eye of a person who decides (Shown, ShownText) less is masked: what is
// hidden must look like a secret, so that nobody hides in one what is decided about.
// A name hides the texts below it, not the objects, lists, booleans and numbers;
// passwords in URLs and values of parameters only if a shell would read them as
// parts of a word; private keys only if they are as long and as mixed as one.
//
// What was read as JSON stays JSON, and what holds no secret stays as it was,
// byte for byte. Doing it twice changes nothing more.
//
// What it does not stop: on the way out, numbers, and images, sounds and blobs in
// base64, which are left alone and count for no bound; a secret that is compressed,
// encrypted, split over several strings, or encoded in other ways, or more than
// twice. In the log, a secret that nobody declared and that has no shape; a known
// secret that is split by what can be seen, compressed, encrypted, reversed or
// base64-encoded twice or with line breaks; one shorter than MinKnown bytes, which
// would match by chance and is refused. A word under a name that sounds like a secret is masked
// for the eye too, even if it is none. In base64 the two characters at the edges that a
// secret shares with its neighbours stay. A tool that marks everything as
// writeOnly keeps its arguments out of the log, not out of their digest.
package redact
