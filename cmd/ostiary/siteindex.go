package main

import (
	"encoding/json"
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// siteIndex is what GET / tells who may call: who that is to the door, and which
// servers there are. `ostiary connect` asks it which server is meant where none
// is named, and `ostiary doctor --door` what the door knows of custody.
type siteIndex struct {
	Principal string       `json:"principal"`
	Custody   string       `json:"custody"`
	Servers   []siteServer `json:"servers"`
}

type siteServer struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// index answers GET /.
func (s *site) index(w http.ResponseWriter, r *http.Request) {
	who, _, err := s.authenticate(r)
	if err != nil {
		s.strangers.Refused(r, err)
		s.refuse(s.resources[s.path(s.names[0])], nil)(w, r, err)
		return
	}
	list := siteIndex{Principal: who.ID, Custody: audit.CustodySameUser}
	if who.Apart {
		list.Custody = audit.CustodySeparate
	}
	for _, name := range s.names {
		list.Servers = append(list.Servers, siteServer{Name: name, Path: s.path(name)})
	}
	b, err := json.Marshal(list)
	if err != nil {
		http.Error(w, ostiary.AsError(err).Message, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(b, '\n')) // nobody is left to tell
}

// nowhere answers where no server is. It names none: nobody has been asked who
// calls.
func (s *site) nowhere(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "no server is at this URL: those of servers are "+s.endpoint("NAME")+", and GET / tells the names to callers who are known",
		http.StatusNotFound)
}
