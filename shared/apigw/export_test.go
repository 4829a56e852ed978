package apigw

// Occupy takes a slot, as a request under way does, until it is released.
func (g *Gateway) Occupy() (release func()) {
	g.slots <- struct{}{}
	return func() { <-g.slots }
}
