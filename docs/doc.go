// Package docs holds the project's pages. Its test resolves every citation of a page or a section,
// and every Markdown link, in the whole repository. Nothing imports it.
package docs
