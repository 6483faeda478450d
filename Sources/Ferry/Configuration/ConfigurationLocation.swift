// Where the configuration is: the flag, else the environment, else the working folder.

/// Finds the configuration file.
public enum ConfigurationLocation {
    /// The environment variable that names the file.
    public static let variable = "FERRY_CONFIG"
    /// The file in the working folder.
    public static let defaultFile = "ferry.yaml"

    /// The path of the file: `flag` (`--config`), else `FERRY_CONFIG`, else `ferry.yaml` in the working folder.
    ///
    /// An empty text counts as none. Whether the file is there is for
    /// ``FerryConfiguration/load(path:environment:controllers:functions:)`` to say.
    public static func find(flag: String?, environment: [String: String]) -> String {
        [flag, environment[variable]].compactMap { $0 }.first { !$0.isEmpty } ?? defaultFile
    }

    /// A minimal configuration that works as it stands, given a broker on this machine.
    public static let example = """
        # ferry.yaml
        broker: {url: "${FERRY_BROKER_URL}"}
        systems:
          erp: {kind: embedded}
          shop: {kind: embedded}
        types:
          Customer Sync:
            source: erp.Customer
            target: shop.Account
            fields:
              label: source.customer_name
        """
}
