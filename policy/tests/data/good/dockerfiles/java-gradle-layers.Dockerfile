FROM eclipse-temurin:21-jdk@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS build
WORKDIR /src
COPY . .
RUN ./gradlew --no-daemon bootJar && java -Djarmode=layertools -jar build/libs/app.jar extract --destination /layers

FROM gcr.io/distroless/java21-debian12:nonroot@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
COPY --from=build /layers/dependencies/ /app/
COPY --from=build /layers/application/ /app/
WORKDIR /app
USER 65532
ENTRYPOINT ["java", "org.springframework.boot.loader.launch.JarLauncher"]
