package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
)

// Fetch lists clients of the other servers.
func (c *Cluster) Fetch(ctx context.Context, namespace string, who fanout.Selection) ([]fanout.Description, error) {
	r := &nodewire.Request{Type: nodewire.RemoteFetch, HasTarget: true, Target: there(who)}
	var clients []fanout.Description
	err := c.collect(ctx, namespace, r, func(a *nodewire.Response) {
		for _, s := range a.Sockets {
			clients = append(clients, fanout.Description(s))
		}
	})
	return clients, err
}

// IDs lists the ids of clients of the other servers.
func (c *Cluster) IDs(ctx context.Context, namespace string, who fanout.Selection) ([]string, error) {
	r := &nodewire.Request{Type: nodewire.Sockets, Rooms: who.Rooms}
	if len(who.Except) > 0 || c.stream != nil { // of which that request knows nothing
		r = &nodewire.Request{Type: nodewire.RemoteFetch, HasTarget: true, Target: there(who)}
	}
	var ids []string
	err := c.collect(ctx, namespace, r, func(a *nodewire.Response) {
		ids = append(ids, a.SocketIDs...)
		for _, s := range a.Sockets {
			ids = append(ids, s.ID)
		}
	})
	return ids, err
}

// collect asks the other servers for their clients and calls took with each answer, one at a time
// and none once it has returned.
func (c *Cluster) collect(ctx context.Context, namespace string, r *nodewire.Request, took func(*nodewire.Response)) error {
	others, err := c.countOthers(ctx, namespace)
	if err != nil || others <= 0 {
		return err
	}
	answers := 0
	heard := make(map[string]bool) // servers that name themselves: not Node's
	err = c.await(ctx, namespace, r, func(a *nodewire.Response) bool {
		if heard[a.UID] {
			return false
		}
		if a.UID != "" {
			heard[a.UID] = true
		}
		took(a)
		answers++
		return answers >= others
	})
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%d of %d other servers did not answer%s: %w", others-answers, others,
		c.silent(namespace, heard, answers-len(heard)), err)
}

// namingTime is how long it may take to find the names of servers that did not answer.
const namingTime = time.Second

// silent names the servers that did not answer: all that listen, but those that were heard. Node's
// do not say who answers, so with some of their answers missing any of them may be meant.
func (c *Cluster) silent(namespace string, heard map[string]bool, unnamed int) string {
	ctx, cancel := context.WithTimeout(c.life, namingTime)
	defer cancel()
	channels, err := c.link.Channels(ctx, c.names(namespace).ResponsePattern(c.stream != nil))
	if err != nil {
		return ""
	}
	var ours, nodes []string
	for _, channel := range channels {
		name := c.names(namespace).Responder(channel, c.stream != nil)
		switch {
		case name == "" || name == c.uid || heard[name]:
		case strings.HasPrefix(name, uidPrefix):
			ours = append(ours, name)
		default:
			nodes = append(nodes, name)
		}
	}
	slices.Sort(ours)
	slices.Sort(nodes)
	if unnamed > 0 && unnamed < len(nodes) {
		ours = append(ours, fmt.Sprintf("%d of the Node servers %s", len(nodes)-unnamed, shortList(nodes)))
	} else if unnamed == 0 {
		ours = append(ours, nodes...)
	}
	if len(ours) == 0 {
		return ""
	}
	return " (" + shortList(ours) + ")"
}

// shortList names the first ones of a list.
func shortList(names []string) string {
	const most = 10
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
