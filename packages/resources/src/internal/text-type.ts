const TEXT =
  /^text\/|^application\/(?:json|json5|xml|javascript|ecmascript|yaml|toml|sql|x-sh|x-httpd-php|graphql|ld\+json|node|rtf)$|\+(?:json|xml|yaml)$/;

/** Whether a media type promises text. */
export function isTextType(mimeType: string): boolean {
  return TEXT.test(mimeType);
}
