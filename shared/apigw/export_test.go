package apigw

// Occupy takes a slot, as a request under way does, until it is released.
func (c *Connections) Occupy() (release func()) {
	c.slots <- struct{}{}
	return func() { <-c.slots }
}
