// Package httpclient provides HTTP clients that connect only to public addresses and to networks that the operator
// allows. They protect the gateway's network from server-side request forgery (SSRF): neither a setting, a redirect nor
// a link in a message can make an adapter call an internal service.
package httpclient
