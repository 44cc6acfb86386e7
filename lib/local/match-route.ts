export interface RouteMatch {
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Finds the route of a request as API Gateway does: by method and decoded path, else `$default`. So
 * `%2F` parts a path like a slash: AWS hands on the decoded path alone (also as `rawPath`), which
 * leaves our functions nothing to tell the two apart by (docs/errors.md).
 *
 * @see https://github.com/middleapi/standard-server/pull/93 for what AWS was seen to hand on
 */
export const matchRoute = (
  routeKeys: readonly string[],
  method: string,
  path: string,
): RouteMatch => {
  const parts = path.split("/");
  for (const routeKey of routeKeys) {
    const [routeMethod, template = ""] = routeKey.split(" ");
    if (routeMethod !== method) continue;
    const pathParameters = parametersOf(template.split("/"), parts);
    if (pathParameters) return { routeKey, pathParameters };
  }
  return { routeKey: "$default", pathParameters: {} };
};

const parametersOf = (
  template: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined => {
  if (template.length !== parts.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, expected] of template.entries()) {
    const part = parts[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(expected)?.[1];
    if (name === undefined && part !== expected) return undefined;
    if (name !== undefined && part === "") return undefined;
    if (name !== undefined) parameters[name] = part;
  }
  return parameters;
};
