package validate

// Command says which programs an argument may name. The zero value denies
// everything.
type Command struct {
	// Allow lists the programs; an empty list denies every command.
	Allow []CommandRule
	// Argument says that the value is not a command but ONE word that the
	// upstream hands to a program, so that it must not read as an option, as a
	// file reference ("@file") or as more than one line. Allow is then empty.
	Argument bool
	// MaxBytes bounds all words together; 0 means 16 KiB.
	MaxBytes int
}

// CommandRule allows one program.
type CommandRule struct {
	// Path is absolute. A symbolic link is resolved when the rule is loaded, and
	// both the name and what it led to are accepted; if the name leads elsewhere
	// at the time of a call, the call is denied.
	Path string
	// Flags are the allowed words that begin with a dash: "-l" and "--name-only"
	// exactly, "--max-count=" with any value. "--" here means that words behind
	// "--" may begin with a dash.
	Flags []string
	// Subcommands, if any, are the allowed first words that are no flag.
	Subcommands []string
	// MaxArgs bounds the words behind the program; 0 means 64.
	MaxArgs int
	// DangerouslyInterpreter accepts a program whose arguments are programs
	// themselves (a shell, an interpreter, a wrapper such as env or xargs).
	DangerouslyInterpreter bool
}
