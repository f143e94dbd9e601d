// The interface's own description, read from this server and shown by Swagger UI. Deep links would
// put links into buttons, where a keyboard does not reach them.
window.SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: false,
  validatorUrl: null,
});
