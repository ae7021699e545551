package packet

// raw steps over a value that has been found valid, and returns its text.
func (s *scanner) raw() []byte {
	start := s.pos
	s.value()
	return s.data[start:s.pos]
}

// enter steps into a valid array or object, or over an empty one, and reports whether there is
// anything inside.
func (s *scanner) enter(closing byte) bool {
	s.open()
	if s.at(closing) {
		s.close()
		return false
	}
	return true
}

// elements calls f at each element of a valid array; f has to read it.
func (s *scanner) elements(f func(i int) error) error {
	another := s.enter(']')
	for i := 0; another; i++ {
		if err := f(i); err != nil {
			return err
		}
		another, _ = s.more(']')
	}
	return nil
}

// members calls f at each value of a valid object, with the key as it is written, quotes included;
// f has to read the value.
func (s *scanner) members(f func(key []byte) error) error {
	another := s.enter('}')
	for another {
		key := s.raw()
		s.space()
		s.pos++ // the colon
		s.space()
		if err := f(key); err != nil {
			return err
		}
		another, _ = s.more('}')
	}
	return nil
}
