package privatechat

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// directory knows who is there. Handlers of different clients run at the same
// time, so it has a lock.
type directory struct {
	mu    sync.Mutex
	users map[string]User   // by id
	ids   map[string]string // by nickname in lower case
}

func newDirectory() *directory {
	return &directory{users: make(map[string]User), ids: make(map[string]string)}
}

// add gives the client of that id a nickname, its first or another.
func (d *directory) add(id, name string) (User, error) {
	name, err := checkNickname(name)
	if err != nil {
		return User{}, err
	}
	key := strings.ToLower(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	if owner, taken := d.ids[key]; taken && owner != id {
		return User{}, errTaken
	}
	delete(d.ids, strings.ToLower(d.users[id].Nickname))
	user := User{ID: id, Nickname: name}
	d.users[id] = user
	d.ids[key] = id
	return user, nil
}

func (d *directory) remove(id string) User {
	d.mu.Lock()
	defer d.mu.Unlock()
	user := d.users[id]
	delete(d.users, id)
	delete(d.ids, strings.ToLower(user.Nickname))
	return user
}

func (d *directory) get(id string) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	user, there := d.users[id]
	return user, there
}

// list returns the users by nickname.
func (d *directory) list() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]User, 0, len(d.users))
	for _, user := range d.users {
		all = append(all, user)
	}
	slices.SortFunc(all, func(a, b User) int { return cmp.Compare(a.Nickname, b.Nickname) })
	return all
}
