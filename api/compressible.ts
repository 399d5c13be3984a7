/** The media types of what is compressed for clients that take it so. */
export const compressible = /^(text\/|application\/(json|x-ndjson|problem\+json))/;
