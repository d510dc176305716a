import { fakeResolver } from "../support/fake-resolver.ts";
import { resolverContract } from "./resolver.ts";

resolverContract("the fake", () => fakeResolver({ "storefront-peers": ["10.0.0.1", "10.0.0.2", "10.0.0.1"] }), "storefront-peers");
