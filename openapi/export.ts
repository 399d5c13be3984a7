/** `npm run openapi`: writes the OpenAPI document of the app to openapi/openapi.json. */
import { writeFileSync } from "node:fs";
import { documentPath, openapiDocument } from "./document.js";

writeFileSync(documentPath, await openapiDocument());
console.log("Written: openapi/openapi.json");
