package fanout

import "context"

// Describe lists the members of this server that a selection names, for another one; with headers
// also those of the requests that opened their connections.
func (a *Adapter) Describe(who Selection, headers bool) []Description {
	members := a.Members(who)
	list := make([]Description, len(members))
	for i, m := range members {
		list[i] = a.config.Describe(m, headers)
	}
	return list
}

// FetchOthers lists clients of the other servers: see [Peers].
func (a *Adapter) FetchOthers(ctx context.Context, who Selection) ([]Description, error) {
	if peers := a.others(who); peers != nil {
		return peers.Fetch(ctx, a.name, who)
	}
	return nil, nil
}

// OtherIDs lists the ids of clients of the other servers: see [Peers].
func (a *Adapter) OtherIDs(ctx context.Context, who Selection) ([]string, error) {
	if peers := a.others(who); peers != nil {
		return peers.IDs(ctx, a.name, who)
	}
	return nil, nil
}
