// Reads the broker's management API: what exchanges, queues and bindings there are and which policies are in force.
// Invariant: a password goes over loopback or TLS only, and into no error; every request has a time limit and follows
// no redirect.

internal import Foundation
internal import SyncJobs

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// A client of RabbitMQ's management API, for what AMQP itself does not tell.
public struct Management: Sendable, CustomStringConvertible {
    /// The longest that one request may take.
    public static let timeout: Duration = .seconds(5)
    /// The largest answer that is read.
    public static let maximumAnswerBytes = 32 << 20

    private let base: String
    private let authorization: String?

    /// Prepares to ask the API at `url`, such as `http://user:password@127.0.0.1:15672`.
    ///
    /// - Throws: ``TopologyError`` (`invalid_management_url`) for anything but `https`, or `http` to this machine.
    public init(url: String) throws(TopologyError) {
        func refuse(_ message: String, _ remedy: String) -> TopologyError {
            TopologyError(
                .invalidManagementURL, operation: "reading the management URL", message: message, remedy: remedy)
        }
        let example = "write it as https://user:password@host:15671"
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(), let host = parts.host,
            !host.isEmpty
        else { throw refuse("it is no URL with a scheme and a host", example) }
        guard parts.query == nil, parts.fragment == nil else { throw refuse("it has a query or a fragment", example) }
        switch scheme {
        case "https": break
        case "http" where Self.isLoopback(host): break
        case "http":
            throw refuse(
                "http would send the password to \(host) in the clear", "use https, or an address of this machine")
        default: throw refuse("its scheme is \"\(scheme.prefix(20))\"", example)
        }
        var bare = parts
        bare.user = nil
        bare.password = nil
        while bare.path.hasSuffix("/") { bare.path.removeLast() }
        guard let base = bare.string else { throw refuse("it cannot be written as a URL", example) }
        self.base = base
        authorization = parts.user.map { user in
            "Basic " + Data("\(user):\(parts.password ?? "")".utf8).base64EncodedString()
        }
    }

    /// The address without user and password.
    public var description: String { base }

    private static func isLoopback(_ host: String) -> Bool {
        let bare = host.trimmingCharacters(in: ["[", "]"]).lowercased()
        let octets = bare.split(separator: ".", omittingEmptySubsequences: false)
        return bare == "localhost" || bare == "::1"
            || (octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil })
    }

    /// What there is in a virtual host.
    ///
    /// - Throws: ``TopologyError`` (`management_unreachable`, `management_refused`).
    public func snapshot(virtualHost: String) async throws(TopologyError) -> ManagementSnapshot {
        let host = Self.segment(virtualHost)
        let policies = "policy,operator_policy,effective_policy_definition"
        return ManagementSnapshot(
            exchanges: try await list(
                "/api/exchanges/\(host)?columns=name,type,durable,auto_delete,internal,arguments,policy"),
            queues: try await list("/api/queues/\(host)?columns=name,type,durable,auto_delete,arguments,\(policies)"),
            bindings: try await list("/api/bindings/\(host)"),
            policies: try await list("/api/policies/\(host)"))
    }

    /// What the queues of a virtual host hold, by their names on the broker; up to five seconds old.
    ///
    /// - Throws: ``TopologyError`` (`management_unreachable`, `management_refused`).
    public func queueFigures(virtualHost: String) async throws(TopologyError) -> [String: QueueFigures] {
        let columns =
            "name,messages,messages_ready,messages_unacknowledged,head_message_timestamp,"
            + "message_stats.publish_details.rate,message_stats.ack_details.rate"
        let queues = try await list("/api/queues/\(Self.segment(virtualHost))?columns=\(columns)")
        return queues.reduce(into: [:]) { figures, queue in
            guard let name = queue["name"]?.stringValue else { return }
            figures[name] = QueueFigures(queue)
        }
    }

    /// One segment of a path: everything but unreserved characters escaped, "/" too.
    private static func segment(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    private func list(_ path: String) async throws(TopologyError) -> [JSONObject] {
        let operation = "asking the management API for \(path.prefix { $0 != "?" })"
        let body = try await get(path, operation: operation)
        do throws(JSONError) {
            if let elements = try JSONParser.parse([UInt8](body)).arrayValue {
                return elements.compactMap(\.objectValue)
            }
        } catch {
            throw Self.unexpected(operation, cause: error.description)
        }
        throw Self.unexpected(operation, cause: "its answer is no list")
    }

    private static func unexpected(_ operation: String, cause: String) -> TopologyError {
        TopologyError(
            .managementRefused, operation: operation, message: "the answer is not what RabbitMQ gives",
            remedy: "Check that the URL leads to the management plugin of RabbitMQ 3.10 or later.", cause: cause)
    }

    private func get(_ path: String, operation: String) async throws(TopologyError) -> Data {
        guard let url = URL(string: base + path) else {
            throw Self.unexpected(operation, cause: "the path makes no URL")
        }
        var request = URLRequest(url: url)
        request.setValue(authorization, forHTTPHeaderField: "Authorization")
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = TimeInterval(Self.timeout.components.seconds)
        configuration.timeoutIntervalForResource = TimeInterval(Self.timeout.components.seconds)
        let session = URLSession(configuration: configuration, delegate: NoRedirects(), delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        let answer: (data: Data, response: URLResponse)
        do {
            answer = try await session.data(for: request)
        } catch {
            throw TopologyError(
                .managementUnreachable, operation: operation, message: "\(base) does not answer",
                remedy: "Enable the plugin (rabbitmq-plugins enable rabbitmq_management), or check the URL.",
                cause: (error as? URLError).map { "URL error \($0.code.rawValue)" } ?? "\(type(of: error))")
        }
        let status = (answer.response as? HTTPURLResponse)?.statusCode ?? 0
        guard status == 200 else {
            throw TopologyError(
                .managementRefused, operation: operation, message: "\(base) answers with HTTP status \(status)",
                remedy: status == 401 || status == 403
                    ? "Give the user the tags policymaker and monitoring, and permissions in the virtual host."
                    : "Check the URL and the name of the virtual host.")
        }
        guard answer.data.count <= Self.maximumAnswerBytes else {
            throw Self.unexpected(operation, cause: "\(answer.data.count) bytes are over the limit")
        }
        return answer.data
    }
}

/// A redirect could lead a password elsewhere.
private final class NoRedirects: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) { completionHandler(nil) }
}
