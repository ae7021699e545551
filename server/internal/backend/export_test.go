package backend

import "time"

// Hurry has the backend, and clients, take less time for their next bytes; 0 leaves it.
func (o *Options) Hurry(header, stall time.Duration) { o.headerTimeout, o.stallTimeout = header, stall }
