package incident

import _ "embed"

//go:embed readme.txt
var readme []byte
