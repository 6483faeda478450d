// The controllers by the names that `controller:` in ferry.yaml uses. The program and the tests register the same ones.

public import SyncJobs

/// The controllers of this program.
public enum Atlas {
    /// All of them; price lists are written into the folder `exports`.
    public static func controllers(exports: String) -> [String: any SyncController] {
        [
            "customer": CustomerController(),
            "country_regions": CountryRegionsController(),
            "price_list": PriceListController(folder: exports),
        ]
    }
}
