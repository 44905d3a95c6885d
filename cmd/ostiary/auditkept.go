package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary"
)

// keptCheckpoints are checkpoints that were kept elsewhere, of one or more files,
// as one text in which each has a line.
type keptCheckpoints struct {
	lines []byte
	from  []string // where each line came from: FILE:LINE
}

// How checkpoints stand in files: one a line, in syslog with a head before it,
// or one alone as a signed note.
const (
	keptPrefix = `{"checkpoint":"`
	notePrefix = "ostiary/"
)

// readKept reads the files. What a line says is for the verification to judge.
func readKept(files []string) (*keptCheckpoints, error) {
	k := &keptCheckpoints{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, unreadableFile("--checkpoint", name, err)
		}
		had := len(k.from)
		if bytes.HasPrefix(text, []byte(notePrefix)) {
			line, err := json.Marshal(struct {
				Checkpoint string `json:"checkpoint"`
			}{string(text)})
			if err != nil {
				return nil, err
			}
			k.add(string(line), name)
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			if at := strings.Index(line, keptPrefix); at >= 0 {
				line = line[at:]
			}
			line = strings.TrimSpace(line)
			if line != "" {
				k.add(line, name+":"+strconv.Itoa(i+1))
			}
		}
		if len(k.from) == had {
			return nil, misusedFlag("--checkpoint %s holds no checkpoint: give a file that audit.checkpoint_to writes, or one signed note", name)
		}
	}
	return k, nil
}

func (k *keptCheckpoints) add(line, from string) {
	k.lines = append(append(k.lines, line...), '\n')
	k.from = append(k.from, from)
}

var keptLine = regexp.MustCompile(`line (\d+) of the outside checkpoints`)

// name replaces the number of a line by where it came from.
func (k *keptCheckpoints) name(text string) string {
	return keptLine.ReplaceAllStringFunc(text, func(m string) string {
		n, err := strconv.Atoi(keptLine.FindStringSubmatch(m)[1])
		if err != nil || n < 1 || n > len(k.from) {
			return m
		}
		return "the checkpoint " + k.from[n-1]
	})
}

// named is name for an error.
func (k *keptCheckpoints) named(err error) error {
	var e *ostiary.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Message = k.name(c.Message)
	return &c
}

func unreadableFile(flag, name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%s %s cannot be read: %s", flag, visible(name), visible(err.Error()))}
}
